"""Files that carry metadata of their own: set by the job that made them, and found by them."""

from __future__ import annotations

from dirac_prodsys.core.grid.specs import Command, DirectorySpec, JobSpec, OutputFile
from dirac_prodsys.core.query.meta_query import MetaQuery
from tests.contract.systems import System, spec, unique


def test_a_child_gets_the_files_that_carry_its_value(system: System) -> None:
    gateway, mark = system.gateway(), unique()
    directory = f"/sim/contract/{mark}"
    dark, half = "dark_@{JOB_ID}", "half_@{JOB_ID}"
    splits = ("train", "test")
    body = JobSpec(
        name=mark,
        job_type="MCSimulation",
        commands=(Command(executable="sh", arguments=f"-c 'echo 1 > {dark}; echo 2 > {half}'"),),
        outputs=tuple(
            OutputFile(
                name=name,
                directory=directory,
                se="DISK-A-SE",
                metadata=tuple({"nsb": nsb, "split": split} for split in splits),
            )
            for name, nsb in ((dark, 1), (half, 5))
        ),
        cpu_time=600,
    )
    made = gateway.create_transformation(
        spec(f"{mark}_s", type="MCSimulation", body=body, tasks=2)
    ).id
    gateway.prepare_directories([DirectorySpec(path=directory, metadata={"run": mark})])
    children = {}
    for name, where in {
        "all": {},
        "half": {"nsb": 5},
        "test": {"split": "test"},
        "one": {"nsb": 1, "split": "train"},
        "none": {"nsb": 19},
    }.items():
        query = MetaQuery.parse({"run": mark, **where})
        child = spec(f"{mark}_{name}", group_size=100, input_query=query)
        children[name] = gateway.create_transformation(child).id
        gateway.start_transformation(children[name])
    gateway.ensure_tasks(made, 2)
    gateway.start_transformation(made)

    def attached(name: str) -> int:
        seen = gateway.snapshot([children[name]])[children[name]]
        return sum(seen.files.values())

    system.until(lambda: attached("all") == 4 and attached("half") == 2 and attached("one") == 1)
    system.until(lambda: attached("test") == 2)
    system.cycles(1)
    assert {name: attached(name) for name in children} == {
        "all": 4,
        "half": 2,
        "test": 2,
        "one": 1,
        "none": 0,
    }
    # and all carry the ID of the transformation that made them, by which they are cleaned
    system.until(lambda: gateway.output_share(made).files == 4)
    assert {gateway.output_share(child).files for child in children.values()} == {0}
