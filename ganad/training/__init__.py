"""Training: the step that updates networks by several losses, and many models in one program."""

from ganad.backends import need_framework

need_framework()
