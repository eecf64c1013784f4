cwlVersion: v1.2
class: Workflow
label: Pi by chance
$namespaces: {dirac: "https://diracgrid.org/cwl#"}
requirements:
  ScatterFeatureRequirement: {}
hints:
  dirac:Production:
    vo: sim
    se: DISK-A-SE
    directory: "/sim/e2e/${{ production }}/${{ run }}"
inputs:
  points: {type: int, default: 20000, doc: Points of each task}
  seeds: {type: "int[]", default: [1, 2, 3, 4, 5, 6, 7]}
outputs:
  pi: {type: File, outputSource: gather/pi}
steps:
  simulate:
    run: tools/simulate.cwl
    scatter: seed
    in: {points: points, seed: seeds}
    out: [counts]
  join:
    run: tools/join.cwl
    in: {counts: simulate/counts}
    out: [joined]
    hints:
      dirac:Transformation:
        group_size: 3
        start: streaming
        job: {inputs: {task: "@{JOB_ID}"}}
  gather:
    run: tools/gather.cwl
    in:
      counts: {source: [join/joined], linkMerge: merge_flattened}
    out: [pi]
