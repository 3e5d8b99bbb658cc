"""What TFX's Trainer calls by import path; it only wires."""

from __future__ import annotations

import os
import tempfile
from typing import NamedTuple

import tensorflow as tf
import tensorflow_transform as tft
from absl import logging
from tfx.components.trainer.fn_args_utils import FnArgs

from components.papers.paper_keys import write_train_keys
from components.trainer.cluster import read_cluster
from components.trainer.export import export_model, model_info
from components.trainer.input_pipeline import (
    label_count,
    make_dataset,
    survey,
    vocabulary_size,
)
from components.trainer.loss import positive_weights
from components.trainer.model import (
    build_model,
    build_served_model,
    compile_model,
    make_optimizer,
)
from components.trainer.plots import write_plots
from components.trainer.precision import pick_precision
from components.trainer.settings import TrainerSettings
from components.trainer.signatures import ServedTagger
from components.trainer.strategy import pick_strategy, wait_for_all
from components.trainer.training import make_reproducible, train
from schema import names
from schema.errors import BadInputError
from schema.settings_errors import read_section
from schema.text import decode_text


class _Outputs(NamedTuple):
    """The folders for the SavedModel and the logs; local or remote."""

    model: str
    run: str


def run_fn(fn_args: FnArgs) -> None:
    """Trains a model on the transformed examples and exports it.

    Where several machines train together, every one calls this with the same arguments; the
    chief alone writes to these folders, and none returns before it has.

    Args:
        fn_args: TFX's arguments. `custom_config` holds `settings`, the TrainerSettings as JSON,
            and `top_k`, the number of labels in an answer of the served model.

    Raises:
        UsageError: The environment's TF_CONFIG is wrong, or training diverged.
        BadInputError: There are too few papers.
    """
    cluster = read_cluster(os.environ.get("TF_CONFIG"))
    # First of all: nothing may compute before the machines are connected.
    strategy = pick_strategy(cluster)
    if cluster is None or cluster.is_chief:
        _run(fn_args, strategy, _Outputs(fn_args.serving_model_dir, fn_args.model_run_dir))
    else:
        # As TensorFlow's guide to saving with several workers does.
        with tempfile.TemporaryDirectory(prefix="trainer-") as folder:
            _run(fn_args, strategy, _Outputs(f"{folder}/model/saved", f"{folder}/run"))
    wait_for_all(strategy)


def _run(fn_args: FnArgs, strategy: tf.distribute.Strategy, outputs: _Outputs) -> None:
    settings = read_section(TrainerSettings, fn_args.custom_config["settings"], "trainer")
    transform = tft.TFTransformOutput(fn_args.transform_output)
    spec = transform.transformed_feature_spec()
    make_reproducible(settings.seed)
    paper_keys, label_counts = survey(fn_args.train_files, spec)
    papers, replicas = len(paper_keys), strategy.num_replicas_in_sync
    steps = _steps(papers, settings.batch_size, replicas)
    precision = pick_precision(settings.mixed_precision)
    logging.info("%d replicas, %s, %d steps an epoch", replicas, precision, steps)

    def train_batches(context: tf.distribute.InputContext) -> tf.data.Dataset:
        return make_dataset(
            fn_args.train_files,
            spec,
            settings.batch_size,
            shuffle=True,
            seed=settings.seed,
            worker=context.input_pipeline_id,
            workers=context.num_input_pipelines,
            # One replica takes the few papers after the last whole batch too.
            batches=steps * replicas // context.num_input_pipelines if replicas > 1 else None,
        )

    validation_batches = make_dataset(
        fn_args.eval_files,
        spec,
        settings.batch_size,
        shuffle=False,
        seed=settings.seed,
        include_unknown=True,
    )
    sizes = vocabulary_size(spec), label_count(spec)
    weights = positive_weights(label_counts, settings.rare_label_weight, settings.rare_label_papers)
    with strategy.scope():
        model = build_model(*sizes, settings, label_counts, papers, precision)
        compile_model(model, make_optimizer(settings, steps, precision), weights)
    served = None
    if replicas > 1 or precision != "float32" or settings.first_layer_dtype != "float32":
        # Validated, given its thresholds and exported as it will be served.
        served = build_served_model(*sizes, settings)
    result = train(
        model,
        strategy.distribute_datasets_from_function(train_batches),
        validation_batches,
        settings,
        outputs.run,
        steps_per_epoch=steps,
        served=served,
    )
    write_plots(result.history, f"{outputs.run}/{names.PLOTS_DIR}", best_epoch=result.best_epoch)
    label_lines = transform.vocabulary_by_name(names.LABEL_VOCABULARY)
    labels = [decode_text(line) for line in label_lines]
    tagger = ServedTagger(
        served or model,
        transform.transform_features_layer(),
        label_lines,
        result.thresholds,
        fn_args.custom_config["top_k"],
    )
    export_model(tagger, outputs.model, model_info(result, settings, labels))
    # The Model artifact's folder holds more than the SavedModel in it.
    write_train_keys(outputs.model.rpartition("/")[0], paper_keys)


def _steps(papers: int, batch_size: int, replicas: int) -> int:
    """Returns the steps of an epoch.

    Raises:
        BadInputError: There are fewer papers than several replicas take in a step.
    """
    steps = papers // (batch_size * replicas)
    if steps == 0 and replicas > 1:
        raise BadInputError(
            f"{papers} training papers are too few for one step of {replicas} replicas with "
            f"{batch_size} papers each: lower trainer.batch_size or use fewer GPUs"
        )
    return max(1, steps)
