cwlVersion: v1.2
class: CommandLineTool
baseCommand: many
inputs: {files: "File[]", name: {type: string, default: all}}
outputs: {out: {type: File, outputBinding: {glob: many.h5}}}
