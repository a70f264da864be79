"""Which blocks go together on a slide: one idea, nothing that overflows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tools.book.slides.outline import Part
from tools.book.slides.pieces import HEIGHT, Block

_AT_MOST = {"text": 3, "picture": 1, "table": 1, "exercise": 1}  # blocks of a kind on one slide
_SQUEEZED, _LITTLE = 1.35, 130


@dataclass
class Slide:
    """A slide: its title, the heading above that one, what it shows, whether it opens the deck."""

    title: str
    above: str = ""
    blocks: list[Block] = field(default_factory=list)
    opens: bool = False

    @property
    def notes(self) -> str:
        """What the speaker reads."""
        return "\n".join(block.notes for block in self.blocks if block.notes)


def slides(parts: Iterable[Part]) -> list[Slide]:
    """The slides of a chapter; the first is its title.

    A heading begins a slide.  So does what is too high for the rest of one, a second picture, a fourth paragraph, an
    exercise; a paragraph that leads to a formula, a picture or a table goes with it.  A little text that would stand alone
    on a slide after others is for the speaker.
    """
    found, above = [], ""
    for part in parts:
        if part.level == 1:
            found += _opening(part)
            continue
        if part.level == 2:
            above = part.title
        kicker = above if part.level > 2 else ""
        for place, blocks in enumerate(_packed(part.blocks)):
            if place and (said := _spoken(blocks)):
                found[-1].blocks.append(said)
            else:
                found.append(Slide(blocks[0].title or part.title, kicker, blocks))
    return found


def _opening(part: Part) -> Iterator[Slide]:
    """The title with the chapter's first sentences; then what one needs and learns."""
    first = [block for block in part.blocks if block.kind == "text"][:1]
    tables = [block for block in part.blocks if block.kind == "table"][:1]
    spoken = [Block("text", "", 0, block.notes or block.html) for block in part.blocks if block.kind == "text"]
    yield Slide(part.title, blocks=[*first, *spoken[1:]], opens=True)
    if tables:
        yield Slide("This chapter", blocks=tables)


def _packed(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Blocks in groups that fit a slide, in their order."""
    on_slide: list[Block] = []
    for block in blocks:
        if on_slide and not _fits(on_slide, block):
            goes_on = on_slide[-1:] if len(on_slide) > 1 and _leads_to(on_slide[-1], block) else []
            yield on_slide[: len(on_slide) - len(goes_on)]
            on_slide = goes_on
        on_slide.append(block)
    if on_slide:
        yield on_slide


def _leads_to(text: Block, block: Block) -> bool:
    """Whether a text must not be parted from what is below it: it ends in a colon, or a picture or table follows."""
    return text.kind == "text" and (text.leads or block.kind in ("picture", "table"))


def _fits(on_slide: list[Block], block: Block) -> bool:
    if block.title or on_slide[-1].kind == "exercise":
        return False
    alike = sum(each.kind == block.kind for each in on_slide)
    together = len(on_slide) == 1 and _leads_to(on_slide[0], block)  # in smaller type rather than apart
    room = HEIGHT * (_SQUEEZED if together else 1)
    return alike < _AT_MOST.get(block.kind, 4) and sum(each.height for each in on_slide) + block.height <= room


def _spoken(group: list[Block]) -> Block | None:
    """A group of nothing but a little text, as something to be said; else None."""
    if any(block.kind != "text" for block in group) or sum(block.height for block in group) > _LITTLE:
        return None
    return Block("text", "", 0, "\n".join(block.notes or block.html for block in group))
