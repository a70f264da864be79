"""Speed and memory of ganad beside what one would use instead."""
