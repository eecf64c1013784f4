"""Our rules against DIRAC's own code: the meta query's meaning, its storage, and the link check.

The core says what DIRAC would answer without asking it; here DIRAC is asked.
"""

from __future__ import annotations

from typing import Any

import pytest
from DIRAC.Core.Utilities.SaferEval import saferEval
from DIRAC.DataManagementSystem.Client.MetaQuery import MetaQuery as DiracMetaQuery
from DIRAC.ProductionSystem.Utilities.ProdValidator import ProdValidator
from DIRAC.TransformationSystem.Agent.MCExtensionAgent import MCExtensionAgent
from DIRAC.TransformationSystem.Client import TransformationFilesStatus, TransformationStatus
from DIRAC.TransformationSystem.Client.TransformationClient import TransformationClient
from hypothesis import given, settings
from hypothesis import strategies as st

from dirac_prodsys.core.grid import status
from dirac_prodsys.core.query.meta_query import MetaQuery, dirac_accepts
from dirac_prodsys.core.query.stored_values import as_stored
from dirac_prodsys.core.recovery.decisions import is_barred
from dirac_prodsys.errors import MetaQueryError
from dirac_prodsys.gateway.memory.agents import tasks_to_add

#: fields with a type, as the catalogue has them
TYPES = {"level": "INT", "zenith": "FLOAT", "particle": "VARCHAR(128)"}
VALUES: dict[str, list[Any]] = {
    "level": [0, 1, 2],
    "zenith": [0, 0.5, 20, 20.0, 52.374, 0.7],
    "particle": ["gamma", "proton", "0"],
}

law = settings(max_examples=150, deadline=None, derandomize=True)


def conditions(values: list[Any]) -> st.SearchStrategy[Any]:
    """All forms of a condition, but "Missing", which DIRAC answers for absent fields only."""
    value = st.sampled_from(values)
    listed = st.lists(value, min_size=1, max_size=3)
    orders = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
    return st.one_of(
        value,
        listed,
        st.just("Any"),
        st.dictionaries(st.sampled_from(["in", "nin"]), listed, min_size=1),
        st.dictionaries(orders, value, min_size=1, max_size=2),
    )


forms = st.fixed_dictionaries({}, optional={f: conditions(v) for f, v in VALUES.items()})
metadata = st.fixed_dictionaries({}, optional={f: st.sampled_from(v) for f, v in VALUES.items()})


def asked(form: dict[str, Any], found: dict[str, Any]) -> bool:
    """What DIRAC's own evaluation of a query says."""
    answer = DiracMetaQuery(form, TYPES).applyQuery(found)
    assert answer["OK"], answer
    return bool(answer["Value"])


@law
@given(forms, metadata)
def test_a_query_means_what_dirac_takes_it_for(form: dict[str, Any], found: dict[str, Any]) -> None:
    try:
        query = MetaQuery.parse(form)
    except MetaQueryError:  # nothing can match it
        assert not asked(form, found)
        return
    assert query.matches(found) == asked(form, found)
    assert query.matches(found) == asked(query.to_dirac(), found)
    # the Transformation System's own file filter, of numbers as the database prints them
    assert query.matches(found) == asked(as_stored(query, TYPES).to_dirac(), found)


def test_a_missing_field_is_found_by_missing_only() -> None:
    for form in ({"level": "Missing"}, {"level": "Any"}, {"level": {"!=": 1}}):
        assert MetaQuery.parse(form).matches({}) == asked(form, {})


@law
@given(forms)
def test_what_we_store_is_read_back_unharmed(form: dict[str, Any]) -> None:
    """``TransformationDB`` stores ``str(dict)`` and splits at ``;;;``, and drops what is falsy."""
    try:
        query = MetaQuery.parse(form)
    except MetaQueryError:
        return
    stored = query.to_dirac()
    for condition in stored.values():
        assert condition
        assert isinstance(condition, str | dict)
        assert ";;;" not in str(condition)
    read = {k: saferEval(str(v)) if isinstance(v, dict) else v for k, v in stored.items()}
    assert MetaQuery.from_dirac(read) == query


@law
@given(forms, forms)
def test_the_link_check_answers_as_diracs_does(
    child: dict[str, Any], parent: dict[str, Any]
) -> None:
    try:
        ours, theirs = MetaQuery.parse(child), MetaQuery.parse(parent)
    except MetaQueryError:
        return
    validator = object.__new__(ProdValidator)  # its constructor only makes clients

    def answer() -> bool:
        """``checkTransDependency`` without its look-ups: empty queries, formats, values."""
        formats = [validator.checkformatQuery(query.to_dirac()) for query in (ours, theirs)]
        if not (child and parent and all(result["OK"] for result in formats)):
            return False
        wanted, given_ = (result["Value"] for result in formats)
        return all(
            field in given_ and validator.compareValues(value, given_[field])
            for field, value in wanted.items()
        )

    assert dirac_accepts(ours, theirs)[0] == answer()


def words(module: Any) -> set[str]:
    return {
        value
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and not value.endswith("-inherited")
    }


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (status.TransformationStatus, TransformationStatus),
        (status.FileStatus, TransformationFilesStatus),
    ],
)
def test_every_status_word_of_dirac_is_known(ours: Any, theirs: Any) -> None:
    assert words(theirs)
    assert words(theirs) <= {str(word) for word in ours}


@law
@given(
    st.integers(0, 120),
    st.dictionaries(
        st.sampled_from(["Created", "Waiting", "Running", "Done", "Failed", "Killed"]),
        st.integers(1, 60) | st.just(1500),
    ),
)
def test_the_mc_extension_agent_in_memory_adds_as_many_tasks_as_diracs(
    most: int, tasks: dict[str, int]
) -> None:
    agent = object.__new__(MCExtensionAgent)  # its constructor reads a configuration
    agent.maxIterationTasks, agent.maxFailRate, agent.maxWaitingJobs = 50, 30, 1000
    counts = {**tasks, "TotalCreated": sum(tasks.values())}
    assert tasks_to_add(most, tasks) == agent._calculateTaskNumber(most, counts)


@law
@given(
    st.sampled_from(["Assigned", "Unused", "MaxReset", "Processed"]),
    st.integers(0, 31),
)
def test_a_file_is_taken_back_or_given_up_as_by_diracs_clients(was: str, errors: int) -> None:
    client = object.__new__(TransformationClient)
    client.maxResetCounter = 10
    file = {"/a": [was, errors, 1]}
    theirs = client._applyTransformationFilesStateMachine(file, {"/a": "Unused"}, False)
    given_up = theirs.get("/a", was) == "MaxReset"
    if was == "Assigned":
        assert given_up == is_barred(errors, 10)
        assert client._wasFileInError("Unused", was)
