"""The Transform component: TFX's, with our way to write the examples."""

from __future__ import annotations

import apache_beam as beam
from tfx.components import Transform as StockTransform
from tfx.components.transform import executor as stock
from tfx.dsl.components.base import executor_spec

# Only the first batches of a file would be smaller if Beam chose; it chooses at most as many.
_BATCH = 1_000


class _Processor(stock.TransformProcessor):
    """Writes examples as they are: compressing their random bits takes a second for each 40 MB."""

    @staticmethod
    @beam.ptransform_fn
    def _EncodeAndWrite(  # noqa: N802 - TFX's name
        batches: beam.PCollection, schema: object, file_format: str, output_path: str
    ) -> beam.PCollection:
        return (
            batches
            | "Encode" >> beam.ParDo(stock.TransformProcessor._RecordBatchToExamplesFn(schema))
            | "DropKeys" >> beam.Values()
            | "Write" >> beam.io.WriteToTFRecord(output_path)
        )

    def _GetDesiredBatchSize(self, data_format: int, schema: object) -> int:  # noqa: N802
        return _BATCH


class Executor(stock.Executor):
    """TFX's executor with our processor."""

    def Do(self, *arguments: object) -> None:  # noqa: N802 - TFX's name
        """Analyses the training examples, and transforms all."""
        # TFX's own has no other way to choose it.
        stock.TransformProcessor = _Processor
        super().Do(*arguments)


class Transform(StockTransform):
    """Makes weighted n-grams and multi-hot labels of papers."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
