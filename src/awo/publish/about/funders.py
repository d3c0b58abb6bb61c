"""The funders that a grant id of .zenodo.json can begin with: their number in the Open Funder Registry, their name."""

from __future__ import annotations

import re
from typing import Final

from awo.publish.about.shapes import Funding
from awo.publish.about.values import Wrong

EUROPEAN_COMMISSION: Final = "501100000780"

NAMES: Final = {
    "100000001": "National Science Foundation",
    "100000002": "National Institutes of Health",
    "100001345": "Social Science Research Council",
    "100004440": "Wellcome Trust",
    "100014013": "UK Research and Innovation",
    "501100000038": "Natural Sciences and Engineering Research Council of Canada",
    "501100000690": "Research Councils UK",
    EUROPEAN_COMMISSION: "European Commission",
    "501100000806": "European Environment Agency",
    "501100000923": "Australian Research Council",
    "501100000925": "National Health and Medical Research Council",
    "501100001602": "Science Foundation Ireland",
    "501100001659": "Deutsche Forschungsgemeinschaft",
    "501100001665": "Agence Nationale de la Recherche",
    "501100001711": "Swiss National Science Foundation",
    "501100001871": "Fundação para a Ciência e a Tecnologia",
    "501100002341": "Academy of Finland",
    "501100002428": "Austrian Science Fund",
    "501100003246": "Dutch Research Council",
    "501100004410": "Scientific and Technological Research Council of Turkey",
    "501100004488": "Croatian Science Foundation",
}
"""By the number behind 10.13039/. A number that is not here is printed as its address."""

_GRANT = re.compile(r"(?:10\.13039/(\d{6,15})::)?([^\s:][^\s]{0,100})", re.ASCII)


def funding_of(grant: str) -> Funding:
    """The funding that a grant id names, `10.13039/501100000780::283595`; without a funder, of the European Commission.

    Raises `Wrong`. Source: Zenodo's deposit API, `grants`.
    """
    found = _GRANT.fullmatch(grant)
    if not found or "::" in found[2]:
        raise Wrong(
            "is not a grant as Zenodo has it", expected="10.13039/FUNDER::AWARD, as 10.13039/501100000780::283595"
        )
    number = found[1] or EUROPEAN_COMMISSION
    return Funding(NAMES.get(number, f"https://doi.org/10.13039/{number}"), found[2])
