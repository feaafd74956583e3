"""Labels of language identifiers as codes: ISO 639-1 where there is one, the same for lid.176 (`zh`) and GlotLID (`cmn_Hani`).

And which scripts a language is written in, so that a model is only asked among languages that a text can be in. Chinese is one code, `zh`,
as in ISO's macrolanguage: what kind it is (`yue`, `lzh`, `wuu`) is a hint beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cleaning.text.scripts import SCRIPT_NUMBER, SCRIPTS

CHINESE = ("zh", "cmn", "yue", "wuu", "lzh", "gan", "hak", "nan", "hsn", "cdo", "cjy", "zho")
UNDETERMINED = "und"  # ISO 639-2: there is no letter, or nothing that the model knows
# ISO 639-3 (with the members by which GlotLID and NLLB name a macrolanguage) -> ISO 639-1
_PAIRS = (
    "aar:aa abk:ab ave:ae afr:af aka:ak amh:am arg:an ara:ar arb:ar asm:as ava:av aym:ay ayr:ay aze:az azj:az bak:ba bel:be bul:bg bih:bh "
    "bis:bi bam:bm ben:bn bod:bo bre:br bos:bs cat:ca che:ce cha:ch cos:co cre:cr ces:cs chu:cu chv:cv cym:cy dan:da deu:de div:dv "
    "dzo:dz ewe:ee ell:el eng:en epo:eo spa:es est:et ekk:et eus:eu fas:fa pes:fa ful:ff fin:fi fij:fj fao:fo fra:fr fry:fy gle:ga "
    "gla:gd glg:gl grn:gn gug:gn guj:gu glv:gv hau:ha heb:he hin:hi hmo:ho hrv:hr hat:ht hun:hu hye:hy her:hz ina:ia ind:id ile:ie "
    "ibo:ig iii:ii ipk:ik ido:io isl:is ita:it iku:iu jpn:ja jav:jv kat:ka kon:kg kik:ki kua:kj kaz:kk kal:kl khm:km kan:kn kor:ko "
    "kau:kr kas:ks kur:ku kmr:ku kom:kv cor:kw kir:ky lat:la ltz:lb lug:lg lim:li lin:ln lao:lo lit:lt lub:lu lav:lv lvs:lv mlg:mg "
    "plt:mg mah:mh mri:mi mkd:mk mal:ml mon:mn khk:mn mar:mr msa:ms zsm:ms mlt:mt mya:my nau:na nob:nb nde:nd nep:ne npi:ne ndo:ng "
    "nld:nl nno:nn nor:no nbl:nr nav:nv nya:ny oci:oc oji:oj orm:om gaz:om ori:or ory:or oss:os pan:pa pli:pi pol:pl pus:ps pbt:ps "
    "por:pt que:qu quy:qu roh:rm run:rn ron:ro rus:ru kin:rw san:sa srd:sc snd:sd sme:se sag:sg hbs:sh sin:si slk:sk slv:sl smo:sm "
    "sna:sn som:so sqi:sq als:sq srp:sr ssw:ss sot:st sun:su swe:sv swa:sw swh:sw tam:ta tel:te tgk:tg tha:th tir:ti tuk:tk tgl:tl "
    "tsn:tn ton:to tur:tr tso:ts tat:tt twi:tw tah:ty uig:ug ukr:uk urd:ur uzb:uz uzn:uz ven:ve vie:vi vol:vo wln:wa wol:wo xho:xh "
    "yid:yi ydd:yi yor:yo zha:za zul:zu"
)
_SHORT = {pair[:3]: pair[4:] for pair in _PAIRS.split()}
# scripts of the labels of lid.176; the others are written in Latin letters
_SCRIPTS_OF = {
    "Cyrl": "ru uk sr bg mk be kk tt ky ba mn ce tg cv mhr sah xal os lez myv mrj bxr kv krc av rue tyv sh bs uz az ku tk ab",
    "Arab": "ar fa ur ckb ug arz azb pnb ps sd mzn lrc ku kk az ks",
    "Deva": "hi mr ne sa new bh mai gom dty hif sd ks", "Beng": "bn as bpy", "Hani": "zh wuu yue ja", "Kana": "ja", "Hang": "ko",
    "Grek": "el", "Hebr": "he yi", "Thai": "th", "Taml": "ta", "Telu": "te", "Knda": "kn", "Mlym": "ml", "Gujr": "gu", "Guru": "pa",
    "Orya": "or", "Sinh": "si", "Mymr": "my", "Khmr": "km", "Laoo": "lo", "Tibt": "bo", "Geor": "ka xmf", "Armn": "hy", "Ethi": "am",
    "Thaa": "dv", "Mong": "mn bxr", "Bopo": "zh",
}  # fmt: skip
_BOTH = ("sr", "sh", "bs", "uz", "az", "ku", "tk", "kk", "tt", "gom", "hif", "mn", "tg", "ky", "ug")  # Latin as well
_ALIKE = {"Jpan": ("Hani", "Kana"), "Hira": ("Kana",), "Hans": ("Hani",), "Hant": ("Hani",), "Kore": ("Hang",), "Hanb": ("Hani", "Bopo")}


def code_of(label: str) -> str:
    """The code of a label.

    >>> [code_of(label) for label in ("zh", "cmn_Hani", "yue_Hant", "eng_Latn", "als", "als_Latn", "nan_Latn", "bar_Latn")]
    ['zh', 'zh', 'zh', 'en', 'als', 'sq', 'nan', 'bar']
    """
    name, sep, script = label.partition("_")
    if name in CHINESE and (not sep or "Hani" in _scripts_named(script)):
        return "zh"
    return _SHORT.get(name, name) if sep or (len(name) == 3 and name not in ("als",)) else name


def variety_of(label: str) -> str:
    """What kind of Chinese a label means beyond `zh`: `yue`, `lzh` …; empty for Mandarin and for other languages."""
    name = label.partition("_")[0]
    return name if code_of(label) == "zh" and name not in ("zh", "cmn", "zho") else ""


def scripts_of(label: str) -> tuple[str, ...]:
    """The scripts that a label's language is written in, as ISO 15924 codes.

    >>> scripts_of("sr"), scripts_of("jpn_Jpan"), scripts_of("fr")
    (('Cyrl', 'Latn'), ('Hani', 'Kana'), ('Latn',))
    """
    name, sep, script = label.partition("_")
    if sep and script:
        return _scripts_named(script)
    found = tuple(code for code, names in _SCRIPTS_OF.items() if name in names.split())
    return (*found, "Latn") if name in _BOTH or not found else found


def _scripts_named(script: str) -> tuple[str, ...]:
    return _ALIKE.get(script, (script,))


def script_mask(labels: Sequence[str]) -> npt.NDArray[np.bool_]:
    """(SCRIPTS, labels): which labels a script allows. A script of which the model has no language allows all."""
    mask = np.zeros((len(SCRIPTS), len(labels)), np.bool_)
    for column, label in enumerate(labels):
        for script in scripts_of(label):
            if script in SCRIPT_NUMBER:
                mask[SCRIPT_NUMBER[script], column] = True
    mask[~mask.any(axis=1)] = True
    return mask
