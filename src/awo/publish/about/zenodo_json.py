""".zenodo.json: Zenodo's older keys, or a record as InvenioRDM takes it. What it says beyond `About` is left."""

from __future__ import annotations

import re
from typing import Final, Literal

from awo.publish.about import values
from awo.publish.about.cff import refuse_twice
from awo.publish.about.fields import Part, read_fields
from awo.publish.about.funders import funding_of
from awo.publish.about.licence import read_licence
from awo.publish.about.markup import plain
from awo.publish.about.orcid import read_orcid
from awo.publish.about.shapes import About, Creator, Funding
from awo.publish.about.values import Wrong

FILE: Final = ".zenodo.json"

Access = Literal["open", "not open"]

OLDER: Final = (
    *("access_conditions", "access_right", "communities", "conference_acronym", "conference_dates", "conference_place"),
    *(
        "conference_session",
        "conference_session_part",
        "conference_title",
        "conference_url",
        "contributors",
        "creators",
    ),
    *("custom", "dates", "description", "doi", "embargo_date", "grants", "image_type", "imprint_isbn", "imprint_place"),
    *("imprint_publisher", "journal_issue", "journal_pages", "journal_title", "journal_volume", "keywords", "language"),
    *("license", "locations", "method", "notes", "partof_pages", "partof_title", "preserve_doi", "prereserve_doi"),
    *("publication_date", "publication_type", "references", "related_identifiers", "subjects", "thesis_supervisors"),
    *("thesis_university", "title", "upload_type", "version"),
)
RECORD: Final = ("access", "custom_fields", "files", "media_files", "metadata", "parent", "pids")
METADATA: Final = (
    *("additional_descriptions", "additional_titles", "contributors", "copyright", "creators", "dates", "description"),
    *("formats", "funding", "identifiers", "languages", "locations", "publication_date", "publisher", "references"),
    *("related_identifiers", "resource_type", "rights", "sizes", "subjects", "title", "version"),
)
UPLOADS: Final = (
    *("publication", "poster", "presentation", "dataset", "image", "video", "software", "lesson", "physicalobject"),
    "other",
)
RIGHTS: Final = ("open", "embargoed", "restricted", "closed")

_EDTF = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?(/\d{4}(-\d{2}(-\d{2})?)?)?", re.ASCII)


def read_zenodo_json(data: bytes, file: str = FILE) -> About:
    """What a .zenodo.json says of the work, in either form. Raises `AboutInvalid` with every problem and its line.

    HTML in the description becomes plain lines. A publication date that names no single day is left. Source: Zenodo's
    deposit API (`metadata`), and the metadata of InvenioRDM.
    """
    return read_fields(data, file, lambda top: _record(top) if _is_record(top) else _older(top))


def access_of(data: bytes, file: str = FILE) -> Access:
    """Whether the file lets everybody read the record and its files: `open`, also where it says nothing of it.

    AWO publishes for everybody: who publishes asks this first. Raises as `read_zenodo_json`.
    """
    return read_fields(data, file, _access)


def _is_record(top: Part) -> bool:
    return any(top.has(key) for key in RECORD) or next(iter(top.parts("creators")), top).has("person_or_org")


def _access(top: Part) -> Access:
    if not _is_record(top):
        return "open" if top.choice("access_right", RIGHTS) in ("", "open") else "not open"
    access = top.part("access")
    if access is None:
        return "open"
    words = [access.choice(key, ("public", "restricted")) for key in ("record", "files")]
    return "not open" if "restricted" in words or access.has("embargo") else "open"


# --- Zenodo's older keys --------------------------------------------------------------------------------------


def _older(top: Part) -> About:
    top.refuse_unknown(OLDER)
    top.choice("upload_type", UPLOADS)
    top.choice("access_right", RIGHTS)
    top.text("embargo_date", values.day)
    found = [(part, _older_creator(part)) for part in top.parts("creators")]
    refuse_twice(found)
    for part in top.parts("contributors"):
        _older_creator(part, also=("type",))
    return About(
        title=top.text("title", values.one_line),
        description=top.text("description", _description),
        creators=tuple(one for _, one in found if one.name),
        licence=_older_licence(top),
        keywords=top.texts("keywords"),
        funding=tuple(one for part in top.parts("grants") if (one := _grant(part)) is not None),
        version=top.line("version"),
        doi=top.text("doi", values.doi),
        published_on=top.text("publication_date", values.day),
    )


def _older_creator(part: Part, also: tuple[str, ...] = ()) -> Creator:
    part.refuse_unknown(("name", "affiliation", "orcid", "gnd", *also))
    part.require("name")
    name = part.text("name", values.one_line)
    part.text("gnd", values.one_line)
    affiliation, orcid = part.text("affiliation", values.one_line), part.text("orcid", read_orcid)
    family, comma, given = (word.strip() for word in name.partition(","))
    if comma and (not family or not given or "," in given):
        part.fault("name", "has its comma in a wrong place", expected="Family name, Given names", got=name)
    if comma:
        return Creator(f"{given} {family}", given, family, orcid, affiliation)
    return Creator(name, orcid=orcid, affiliation=affiliation)  # an organization, or a person with one name


def _older_licence(top: Part) -> str:
    if not top.is_text("license") and (part := top.part("license")) is not None:
        part.refuse_unknown(("id", "identifier"))
        return part.text("id" if part.has("id") else "identifier", read_licence)
    return top.text("license", read_licence)


def _grant(part: Part) -> Funding | None:
    part.refuse_unknown(("id",))
    part.require("id")
    text = part.text("id", _grant_id)
    return funding_of(text) if text else None


def _grant_id(text: str) -> str:
    funding_of(text)
    return text


def _description(text: str) -> str:
    return values.lines(plain(values.lines(text)))


# --- InvenioRDM -----------------------------------------------------------------------------------------------


def _record(top: Part) -> About:
    if not any(top.has(key) for key in RECORD):
        return _metadata(top)
    top.refuse_unknown(RECORD)
    _access(top)
    part = top.part("metadata")
    return _metadata(part) if part is not None else About()


def _metadata(part: Part) -> About:
    part.refuse_unknown(METADATA)
    found = [(one, _creator(one)) for one in part.parts("creators")]
    refuse_twice(found)
    published = part.text("publication_date", _edtf)
    return About(
        title=part.text("title", values.one_line),
        description=part.text("description", _description),
        creators=tuple(one for _, one in found if one.name),
        licence=" AND ".join(text for one in part.parts("rights") if (text := _right(one))),
        keywords=tuple(dict.fromkeys(text for one in part.parts("subjects") if (text := _subject(one)))),
        funding=tuple(one for each in part.parts("funding") if (one := _funding(each)) is not None),
        version=part.line("version"),
        published_on=published if len(published) == len("YYYY-MM-DD") and "/" not in published else "",
    )


def _creator(part: Part) -> Creator:
    part.refuse_unknown(("person_or_org", "affiliations", "role"))
    part.require("person_or_org")
    who = part.part("person_or_org")
    if who is None:
        return Creator("")
    who.refuse_unknown(("type", "name", "given_name", "family_name", "identifiers"))
    who.require("type")
    kind = who.choice("type", ("personal", "organizational"))
    given, family = who.text("given_name", values.one_line), who.text("family_name", values.one_line)
    name = who.text("name", values.one_line)
    if kind == "personal" and who.has("type"):
        who.require("family_name")
        name = " ".join(word for word in (given, family) if word)
    elif kind:
        who.require("name")
    orcid = ""
    for one in who.parts("identifiers"):
        one.require("identifier")
        scheme = one.text("scheme", values.one_line)
        if scheme in ("", "orcid"):
            orcid = orcid or one.text("identifier", read_orcid if scheme else _orcid_or_other)
        else:
            one.text("identifier", values.one_line)
    names = [_named(one) for one in part.parts("affiliations")]
    affiliation = "; ".join(one for one in names if one)
    if kind == "organizational":
        return Creator(name, "", "", orcid, affiliation, is_organization=True)
    return Creator(name, given, family, orcid, affiliation)


def _orcid_or_other(text: str) -> str:
    """An iD whose scheme is not said: the server guesses it, and so do we."""
    return read_orcid(text) if re.match(r"(https?://orcid\.org/)?\d{4}-\d{4}-\d{4}-", text) else values.one_line(text)


def _named(part: Part) -> str:
    """What is called by its name, else by its id in a vocabulary."""
    name, known = part.text("name", values.one_line), part.text("id", values.one_line)
    if not name and not known:
        part.whole("has neither name nor id", hint="add name")
    return name or known


def _right(part: Part) -> str:
    if part.has("id"):
        return part.text("id", read_licence)
    title = part.part("title")
    if title is None:
        part.whole("has neither id nor title", hint="add id, an SPDX identifier in small letters")
        return ""
    try:
        return read_licence(title.text("en", values.one_line))
    except Wrong:
        return ""  # a licence of the authors' own words has no place in SPDX


def _subject(part: Part) -> str:
    text = part.text("subject", values.one_line)
    if not text and not part.text("id", values.one_line):
        part.whole("has neither subject nor id", hint="add subject")
    return text


def _funding(part: Part) -> Funding | None:
    part.refuse_unknown(("funder", "award"))
    part.require("funder")
    funder, award = part.part("funder"), part.part("award")
    if funder is None:
        return None
    name = _named(funder)
    if award is None:
        return Funding(name) if name else None
    title = award.part("title")
    urls = [one.text("identifier", values.one_line) for one in award.parts("identifiers")]
    return Funding(
        name,
        award.line("number") or award.text("id", values.one_line),
        title.text("en", values.one_line) if title is not None else "",
        next((url for url in urls if url.startswith("https://")), ""),
    )


def _edtf(text: str) -> str:
    if not _EDTF.fullmatch(text):
        raise Wrong("is not a date", expected="YYYY, YYYY-MM, YYYY-MM-DD, or two of them with / between")
    for one in text.split("/"):
        values.day(f"{one}-01-01"[:10] if len(one) == 4 else f"{one}-01"[:10])
    return text
