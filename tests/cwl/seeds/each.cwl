cwlVersion: v1.2
class: Workflow
requirements: {ScatterFeatureRequirement: {}}
hints: {dirac:Production: {vo: sim, se: A-SE}}
inputs:
  ns: {type: "int[]", default: [1, 2]}
  cuts: {type: "float[]", default: [0.5, 0.7]}
outputs:
  out: {type: "File[]", outputSource: cut/out}
steps:
  make:
    run:
      class: CommandLineTool
      baseCommand: make
      inputs: {n: int}
      outputs: {parts: {type: "File[]", outputBinding: {glob: [a.root, b.root]}}, log: {type: File, outputBinding: {glob: "*.log"}}}
    in: {n: {default: 3}}
    out: [parts, log]
  cut:
    run:
      class: CommandLineTool
      baseCommand: cut
      inputs: {file: File, cut: float}
      outputs: {out: {type: "File[]", outputBinding: {glob: "*.h5"}}}
    scatter: [file, cut]
    scatterMethod: flat_crossproduct
    in: {file: make/parts, cut: cuts}
    out: [out]
    hints: {dirac:Transformation: {output_files: {out: 3}}}
  logs:
    run:
      class: CommandLineTool
      baseCommand: cat
      inputs: {log: File}
      outputs: {out: stdout}
    in: {log: make/log}
    out: [out]
