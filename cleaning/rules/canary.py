"""The canary: lists are tried on a sample of the input before a run, so that a typo in a list cannot empty a corpus.

An entry is suspect when it hits more than a share of the sampled documents (2 %). In a corpus of spam good entries do that, too; but there
they come together, several different ones in a document. A typo (公司, the) comes alone, in documents that hold no other entry. So an entry
stops a run when the documents that hold it, and no other entry, are more than the share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cleaning.doc import Doc
from cleaning.rules.blacklist import SOLICIT, Blacklists, Entry
from cleaning.rules.measure import snippet

SNIPPETS = 3
FEWEST = 50  # documents: a smaller sample proves nothing
ALONE = 0.5  # of the documents that an entry hits; where most hold other entries too, it is the corpus that is spam


@dataclass(slots=True)
class Suspect:
    """An entry that hits too much: in how many of the sampled documents, in how many of these alone, and three places."""

    entry: Entry
    documents: int = 0
    alone: int = 0
    snippets: list[str] = field(default_factory=list)

    def message(self, sampled: int, limit: float) -> str:
        """One fault, as it is printed."""
        share = f"{100 * self.documents / sampled:.1f} %, allowed {100 * limit:g} %"
        head = f"{self.entry.where}: '{self.entry.text}' hits {self.documents} of {sampled} sampled documents ({share})"
        places = "".join(f"\n    {text}" for text in self.snippets)
        return f"{head}; make it longer, add an exception, or set rules.canary{places}"


def suspects(blacklists: Blacklists, docs: Sequence[Doc], limit: float) -> list[Suspect]:
    """Entries that hit more than `limit` of the documents, and mostly alone; the worst first."""
    if len(docs) < FEWEST:
        return []
    found: dict[int, Suspect] = {}
    for d, all_hits in blacklists.scan(docs).hits.items():
        # phrases of `solicit` are common by design; beside them a typo of another list would not seem alone
        hits = [hit for hit in all_hits if blacklists.entries[hit.entry].category != SOLICIT]
        entries = {hit.entry for hit in hits}
        for hit in hits:
            suspect = found.setdefault(hit.entry, Suspect(blacklists.entries[hit.entry]))
            if hit.entry not in entries:
                continue
            entries.discard(hit.entry)  # each entry once a document
            suspect.documents += 1
            suspect.alone += len({h.entry for h in hits}) == 1
            if len(suspect.snippets) < SNIPPETS:
                suspect.snippets.append(snippet(docs[d].text, hit.start, hit.end))
    bad = [s for s in found.values() if s.documents > limit * len(docs) and s.alone >= max(ALONE * s.documents, limit * len(docs))]
    return sorted(bad, key=lambda s: -s.documents)
