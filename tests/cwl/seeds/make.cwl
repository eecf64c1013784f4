cwlVersion: v1.2
class: CommandLineTool
baseCommand: make
inputs: {n: {type: int, default: 1}, name: string?}
outputs:
  out: {type: File, outputBinding: {glob: "*.root"}}
  log: {type: File, outputBinding: {glob: make.log}}
  number: {type: int, outputBinding: {outputEval: "$(inputs.n)"}}
