"""What one would use instead of ganad, as its documentation says and at the same work: steps written by hand in TensorFlow
and PyTorch, PyOD, anomalib.  Each is imported in a process of its own, and nowhere else."""
