"""Errors as one sentence each: what is wrong, and what to do about it."""


def sentence_of(error: Exception) -> str:
    """An error's own message with the assets to materialise, or the problem with the machine."""
    said = ", ".join([" ".join(str(error).split()), *getattr(error, "__notes__", ())])
    match error:
        case MemoryError():
            return f"out of memory ({said or 'no details'}): close other programs, or use a smaller graph"
        case FileNotFoundError() | ValueError():
            return said + _advice(error)
        case _:
            return f"system error ({said}): check disk space, permissions and the data folder, then run again"


def _advice(error: Exception) -> str:
    """What to materialise; empty if the error names no artefact."""
    absent, stale = (tuple(getattr(error, names, ())) for names in ("absent", "stale"))
    if absent:
        return f": materialise {_listed(absent)} first, or make everything with bash scripts/run.sh"
    return f": materialise {_listed(stale)} again" if stale else ""


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
