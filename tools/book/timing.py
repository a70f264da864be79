"""How long each chapter took and on what: written by the run that keeps the outputs, shown under the title."""

import csv
import os
import platform
import re
from pathlib import Path
from typing import Any

FILE = Path("profiles", "measured.csv")


def machine() -> str:
    """This machine in a few words: how many cores of what."""
    about = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", about.read_text(), re.MULTILINE) if about.exists() else None
    model = " ".join(re.sub(r"\((?:R|TM)\)|@.*|\d+-Core Processor|CPU", "", found[1] if found else "").split())
    return f"{os.cpu_count()} cores of {model or platform.processor() or platform.machine()}"


def seconds(executed: Any) -> float | None:
    """What papermill measured, of an executed notebook."""
    return executed.metadata.get("papermill", {}).get("duration")


def read(root: Path) -> dict[str, tuple[float, str]]:
    """The chapters' seconds, and the machine, of the run whose outputs are kept."""
    if not (file := root / FILE).exists():
        return {}
    with file.open(newline="", encoding="utf-8") as rows:
        return {row["chapter"]: (float(row["seconds"]), row["machine"]) for row in csv.DictReader(rows)}


def keep(root: Path, durations: dict[str, float]) -> None:
    """Write the seconds of chapters, measured on this machine, into the file."""
    rows = read(root) | {chapter: (taken, machine()) for chapter, taken in durations.items()}
    part = root / FILE.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["chapter", "seconds", "machine"])
        writer.writerows([chapter, f"{taken:.0f}", where] for chapter, (taken, where) in sorted(rows.items()))
    part.replace(root / FILE)
