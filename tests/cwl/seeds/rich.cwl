cwlVersion: v1.2
class: Workflow
label: A bit of everything
$namespaces: {dirac: "https://diracgrid.org/cwl#"}
requirements:
  - class: ScatterFeatureRequirement
  - class: StepInputExpressionRequirement
  - class: MultipleInputFeatureRequirement
  - class: EnvVarRequirement
    envDef: {MODE: fast}
hints:
  dirac:Production: {vo: sim, se: A-SE, name: rich, tags: [test]}
inputs:
  ns: {type: "int[]", default: [1, 2, 3]}
  names: {type: {type: array, items: string}, default: [a, b, c]}
  events: {type: int, default: 100, doc: Events of each task}
  slow: {type: boolean, default: false}
outputs:
  merged: {type: File, outputSource: merge/out}
  logs: {type: "File[]", outputSource: [make/log, train/log], linkMerge: merge_flattened}
steps:
  flag: {run: flag.cwl, in: {n: events}, out: [n]}
  train:
    run: make.cwl
    in: {n: flag/n, name: {default: train}}
    out: [out, log]
    hints: [{class: dirac:Scheduling, sites: [LCG.CERN.ch], priority: 2}]
  make:
    run: make.cwl
    scatter: [n, name]
    scatterMethod: dotproduct
    in: {n: ns, name: names}
    out: [out, log]
  again: {run: make.cwl, when: $(inputs.on), in: {on: slow}, out: [out]}
  apply:
    run: one.cwl
    scatter: file
    in:
      file: make/out
      model: {source: [again/out, train/out], pickValue: first_non_null}
    out: [out]
  merge:
    run: many.cwl
    in:
      files: {source: apply/out}
      name: {valueFrom: "$(inputs.files[0].nameroot).merged"}
    out: [out]
    hints:
      dirac:Transformation: {group_size: 5, policy: {min_processed: 0.9}}
