"""Who has decided at a gate before: what a later signer is held against is found whatever stood between."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from awo.evidence.gates import Signer
from awo.gate.names import skeleton
from awo.verify.company import Company

signers = st.builds(
    Signer,
    id=st.sampled_from(["ann", "Ann", "bob", "eve"]),
    name=st.sampled_from(["Ann A.", "ann a.", "bob", "Eve"]),
    role=st.just("reviewer"),
    key=st.sampled_from(["1", "2", "3"]),
)
times = st.sampled_from(["01", "02", "03"])


def looks_like(one: Signer, other: Signer) -> bool:
    names = [{skeleton(signer.id), skeleton(signer.name)} for signer in (one, other)]
    return one.id != other.id and (one.key == other.key or bool(names[0] & names[1]))


@given(st.lists(st.tuples(signers, times), max_size=12), signers)
def test_whoever_matters_to_a_signer_is_found_among_all(before: list[tuple[Signer, str]], signer: Signer) -> None:
    company: Company[tuple[int, Signer, str]] = Company()
    for number, (one, at) in enumerate(before):
        company.add(one, at, (number, one, at))
    near = company.near(signer)
    everybody = [(number, one, at) for number, (one, at) in enumerate(before)]
    assert list(near) == sorted(near)
    assert any(looks_like(one, signer) for _, one, _ in near) == any(looks_like(one, signer) for _, one, _ in everybody)
    own = [one for one in everybody if one[1].id == signer.id]
    assert [one for one in near if one[1].id == signer.id][-1:] == own[-1:]
    assert max((at for _, _, at in near), default="") == max((at for _, _, at in everybody), default="")


def test_of_thousands_only_a_few_are_looked_at() -> None:
    company: Company[int] = Company()
    for number in range(5000):
        company.add(Signer(id=f"p{number}", name=f"P {number}", role="reviewer", key=str(number)), "01", number)
    assert company.near(Signer(id="p7", name="P 7", role="reviewer", key="7")) == (0, 7)
