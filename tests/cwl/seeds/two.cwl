cwlVersion: v1.2
class: CommandLineTool
baseCommand: two
inputs: {signal: "File[]", background: "File[]"}
outputs: {out: {type: File, outputBinding: {glob: two.h5}}}
