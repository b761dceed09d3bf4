"""Errors in one sentence each: what is wrong, and what to do about it in Dagster."""


def sentence_of(error: Exception) -> str:
    """What a person needs to know of an error: its own sentence and what to materialise, or what ails the machine."""
    said = ", ".join([" ".join(str(error).split()), *getattr(error, "__notes__", ())])
    match error:
        case MemoryError():
            return f"memory ran out ({said or 'no more was granted'}): close other programs, or take a smaller graph"
        case FileNotFoundError() | ValueError():
            return said + _advice(error)
        case _:
            return f"the machine refuses ({said}): see to disk space, permissions and the data folder, and run again"


def _advice(error: Exception) -> str:
    """What to materialise; nothing where the error names no artefact."""
    absent, stale = (tuple(getattr(error, names, ())) for names in ("absent", "stale"))
    if absent:
        return f": materialise {_listed(absent)} first"
    return f": materialise {_listed(stale)} again" if stale else ""


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
