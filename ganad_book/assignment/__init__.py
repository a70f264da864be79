"""The assignment that checks itself: its tasks, and the sheet that counts the points.  Notebook: book/teaching/assignment.ipynb

>>> from ganad_book.assignment import Sheet
>>> sheet = Sheet()
>>> sheet.check(3, lambda x, reconstructed: abs(x - reconstructed).mean())
task 3, residual: not yet (0 of 2)
  It gives back one number for all samples: a score is one number for each,
  (N,).

A task is right or not yet; the reason given says where to look, not what to write.  `ganad grade` asks the same checks
with other numbers.
"""

from ganad_book.assignment.checks import TASKS, Task
from ganad_book.assignment.sheet import Sheet, egbad_parts, regrade, verdict

__all__ = ["TASKS", "Sheet", "Task", "egbad_parts", "regrade", "verdict"]
