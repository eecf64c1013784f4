cwlVersion: v1.2
$graph:
- id: main
  class: Workflow
  hints: {dirac:Production: {vo: sim, se: A-SE}}
  inputs: []
  outputs: [{id: out, type: File, outputSource: "#main/b/out"}]
  steps:
  - {id: a, run: "#tool", in: [], out: [out]}
  - {id: b, run: {class: CommandLineTool, baseCommand: b, inputs: {f: File}, outputs: {out: stdout}, stdout: b.txt}, in: [{id: f, source: a/out}], out: [out]}
- id: tool
  class: CommandLineTool
  baseCommand: [a]
  requirements: {ResourceRequirement: {coresMin: 2, ramMin: 9000}}
  inputs: []
  outputs: [{id: out, type: File, outputBinding: {glob: a.txt}}]
