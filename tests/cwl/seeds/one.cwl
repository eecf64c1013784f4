cwlVersion: v1.2
class: CommandLineTool
baseCommand: one
inputs: {file: File, model: File?, cut: float?}
outputs: {out: {type: File, outputBinding: {glob: one.h5}}}
