"""The root of every refusal: what was asked cannot be done, for a reason that one line gives."""


class GanadError(Exception):
    """What was asked cannot be done: the message says why, in one line.

    Attributes
    ----------
    exit_code : int
        With which a command ends: 2 where the request is at fault, 1 where something failed on the way.
    """

    exit_code = 2
