"""What people read about the ranking of diseases that are not in the graph."""

from hgt_repurposing.benchmark.new_disease_results import AS_NEW, HELD_OUT, NewDiseases
from hgt_repurposing.report.wording import counted, shown


def new_diseases_in_words(found: NewDiseases) -> str:
    """How far the ranking of a disease that is not in the graph can be trusted."""
    failed = "".join(f" Not measured on {fold}: {reason}." for fold, reason in found.not_measured.items())
    if found.table.empty:
        return f"How far to trust the ranking of a disease that is not in the graph could not be measured.{failed}"
    said = (
        f"{counted(len(found.table), 'treated disease')} taken out of the graph and brought back as new ones, by their "
        f"genes, symptoms and other links, are ranked with a macro average precision of {shown(found.mean(AS_NEW))}; "
        f"as held-out diseases of the graph, of {shown(found.mean(HELD_OUT))}"
    )
    difference = found.difference
    if difference is not None:
        ends = " to ".join(shown(end, "+.3f") for end in (difference.lower, difference.upper))
        said += f" (difference {shown(difference.mean, '+.3f')}, 95 % interval {ends})"
    if found.num_without_links:
        said += f". Of {counted(found.num_without_links, 'further disease')} the graph has nothing but treatments"
    return f"{said}.{failed}"
