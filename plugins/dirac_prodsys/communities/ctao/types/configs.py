"""Defines the keys of ``job_config``, one closed model for each job type.

Invariant: a key that a job type would ignore is a mistake; null is no value, so it is left out
before a model sees it. The models check values and never change them: values are sent as written.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from dirac_prodsys.communities.ctao.types.vocabulary import DIVERGENCES, NSB, words
from dirac_prodsys.core.models import Model, invalid

Number = StrictInt | StrictFloat
Scalar = StrictStr | StrictInt | StrictFloat
Words = StrictStr | Annotated[tuple[StrictStr, ...], Field(min_length=1)]
FileValue = Scalar | Annotated[tuple[Scalar, ...], Field(min_length=1)]
Moonlight = Literal["dark", "half", "full"]


def _moonlights(value: Any) -> Any:
    if words(value) not in [tuple(NSB)[:count] for count in (1, 2, 3)]:
        reason = f"{', '.join(map(str, words(value)))} is no moonlight that can be simulated"
        raise invalid(reason, "write dark, or 'dark, half', or 'dark, half, full'")
    return value


def _divergences(value: Any) -> Any:
    if words(value) not in DIVERGENCES:
        allowed = " or ".join(repr(", ".join(angles)) for angles in DIVERGENCES)
        raise invalid(f"{value!r} is no set of angles known here", f"write {allowed}")
    return value


def _scts(value: str) -> str:
    if value.lower() not in ("all", "non-alpha"):
        raise invalid(f"{value!r} is no choice of SCTs", "write all or non-alpha, or leave it out")
    return value


def _no_sandbox(value: Any) -> Any:
    raise invalid("no sandbox travels with the jobs of a production", "drop it")


Scts = Annotated[StrictStr, AfterValidator(_scts)]


class JobConfig(Model):
    """Keys of all types; the last ones override what a job class is by itself.

    :param type: the job type.
    :param version: of the program, and in the metadata.
    :param MCCampaign: of the metadata, and part of the directories.
    :param configuration_id: of the metadata.
    :param base_path: LFN below which the directories are made.
    :param group_size: files per task.
    :param options: of the program.
    :param output_extension: of the files.
    :param data_level: of the output; otherwise that of the type, or of the input.
    :param array_layout: of the output.
    :param catalogs: where files are registered: a comma list, or a list.
    :param destination: sites: a comma list, or a list.
    :param cpu_time: seconds of normalised CPU.
    :param tag: of the resources it needs.
    :param nb_processors: number of processors.
    :param input_limit: so many files, listed when the step begins; for steps without a parent.
    :param input_sandbox: refused: no sandbox travels with a production.
    :param package: of the software, set on the job class.
    :param compiler: of the software, set on the job class.
    :param software_category: set on the job class.
    :param program_category: set on the job class, and part of the field of program and version.
    :param prog_name: set on the job class, and in the metadata.
    :param data_output_pattern: of the files that are uploaded, set on the job class.
    :param output_type: Data or Model, set on the job class, and in the metadata.
    :param output_data_type: set on the job class.
    :param output_log_type: set on the job class.
    """

    type: StrictStr
    version: StrictStr
    MCCampaign: StrictStr
    configuration_id: StrictInt
    base_path: StrictStr
    group_size: StrictInt | None = Field(default=None, ge=1)
    options: Scalar | None = None
    output_extension: StrictStr | None = None
    data_level: StrictInt | None = None
    array_layout: StrictStr | None = None
    catalogs: Words | None = None
    destination: Words | None = None
    cpu_time: StrictInt | None = Field(default=None, ge=1)
    tag: Words | None = None
    nb_processors: StrictInt | None = Field(default=None, ge=1)
    input_limit: StrictInt | None = Field(default=None, ge=1)
    input_sandbox: Annotated[Any, AfterValidator(_no_sandbox)] = None
    package: StrictStr | None = None
    compiler: StrictStr | None = None
    software_category: StrictStr | None = None
    program_category: StrictStr | None = None
    prog_name: StrictStr | None = None
    data_output_pattern: StrictStr | None = None
    output_type: StrictStr | None = None
    output_data_type: StrictStr | None = None
    output_log_type: StrictStr | None = None


class Processing(JobConfig):
    """Types with input: the metadata that the output inherits may be set anew.

    :param site: of the output, instead of its input's.
    :param particle: instead of the input's.
    :param phiP: instead of the input's, degrees.
    :param thetaP: instead of the input's, degrees.
    :param view_cone: instead of the input's.
    :param sct: instead of the input's.
    :param nsb: night-sky background of the files; several: one of them each.
    :param div_ang: divergence of the files; several: one of them each.
    """

    site: StrictStr | None = None
    particle: StrictStr | None = None
    phiP: Number | None = None  # noqa: N815  CTAO's word
    thetaP: Number | None = None  # noqa: N815
    view_cone: StrictStr | None = None
    sct: StrictStr | StrictBool | None = None
    nsb: FileValue | None = None
    div_ang: FileValue | None = None


class Splitting(Processing):
    """Types that mark their files by ``split``, too.

    :param split: sample that the files belong to; several: one of them each.
    """

    split: FileValue | None = None


class CtapipeProcessing(Splitting):
    """ctapipe-process."""

    data_level: StrictInt
    output_extension: StrictStr


class Merging(Splitting):
    """ctapipe-merge.

    :param merged: how often the input was merged; the output once more.
    """

    output_extension: StrictStr
    group_size: StrictInt = Field(ge=1)
    merged: StrictInt | None = Field(default=None, ge=0)


class SimTelProcessing(Processing):
    """sim_telarray on files of CORSIKA.

    :param moon: light of the night sky.
    :param sct: Schwarzschild-Couder telescopes that are simulated.
    :param random_mono_probability: of keeping events of one telescope.
    :param instrument_random_seeds: take seeds of the instrument by run.
    :param systematic_uncertainty_to_test: path of a configuration; its folders are in the metadata.
    """

    moon: Moonlight | None = None
    sct: Scts | None = None
    random_mono_probability: Number | None = Field(default=None, ge=0, le=1)
    instrument_random_seeds: StrictBool | None = None
    systematic_uncertainty_to_test: StrictStr | None = None


class MCSimulation(JobConfig):
    """CORSIKA piped into sim_telarray.

    :param n_shower: showers of each job.
    :param start_run_number: added to the task ID.
    :param site: observatory.
    :param particle: primary particle.
    :param pointing_dir: where the telescopes point.
    :param zenith_angle: degrees; default 20.
    :param moon: light of the night sky: ``dark``, or ``dark, half``, or ``dark, half, full``.
    :param layout: flag of the run script.
    :param magic: with the MAGIC telescopes.
    :param only_corsika: showers alone, without telescopes.
    :param sequential: one telescope simulation after the other.
    :param instrument_random_seeds: take seeds of the instrument by run.
    :param sct: Schwarzschild-Couder telescopes that are simulated.
    :param div_ang: angles of divergent pointing.
    :param random_mono_probability: of keeping events of one telescope.
    """

    site: Literal["Paranal", "LaPalma"]
    particle: Literal["gamma", "gamma-diffuse", "electron", "proton", "helium", "muon"]
    pointing_dir: Literal["North", "South", "East", "West"]
    zenith_angle: Number | None = Field(default=None, ge=0, le=90)
    n_shower: StrictInt = Field(ge=1)
    moon: Annotated[Words, AfterValidator(_moonlights)]
    start_run_number: StrictInt | None = Field(default=None, ge=0)
    layout: StrictStr | None = None
    magic: StrictBool | None = None
    only_corsika: StrictBool | None = None
    sequential: StrictBool | None = None
    instrument_random_seeds: StrictBool | None = None
    sct: Scts | None = None
    div_ang: Annotated[StrictStr, AfterValidator(_divergences)] | None = None
    random_mono_probability: Number | None = Field(default=None, ge=0, le=1)


class SimPipe(JobConfig):
    """The simulation pipeline.

    :param simpipe_config: name of a YAML file in the same folder, or the content of such a file.
    :param run_number_offset: added to the task ID.
    """

    simpipe_config: StrictStr | dict[StrictStr, Any]
    run_number_offset: StrictInt | None = Field(default=None, ge=0)
