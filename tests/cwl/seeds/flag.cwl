cwlVersion: v1.2
class: ExpressionTool
inputs: {n: int}
outputs: {n: int, list: "int[]"}
expression: $(inputs)
