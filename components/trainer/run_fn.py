"""What TFX's Trainer calls by import path: connects data, network, training and export."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from absl import logging
from numpy.typing import NDArray
from tfx.components.trainer.fn_args_utils import FnArgs

from components.papers.paper_keys import write_train_keys
from components.trainer.cluster import Cluster, read_cluster
from components.trainer.export import export_model, model_info
from components.trainer.input_pipeline import make_dataset, scan_split
from components.trainer.loss import positive_weights
from components.trainer.model import compile_model, make_optimizer
from components.trainer.network import build_network
from components.trainer.plots import write_plots
from components.trainer.precision import pick_precision
from components.trainer.settings import TrainerSettings, with_hyperparameters
from components.trainer.signatures import ServedTagger
from components.trainer.strategy import pick_strategy, wait_for_all
from components.trainer.train import TrainingResult, make_reproducible, train
from components.trainer.transform_graph import TransformGraph
from schema import names
from schema.errors import BadInputError
from schema.settings_errors import read_section
from schema.text import decode_text


def run_fn(fn_args: FnArgs) -> None:
    """Trains a model on the transformed examples and exports it.

    If several machines train together, each calls this with the same arguments; only the chief
    writes to the output folders, and none returns before it has.

    Args:
        fn_args: TFX's arguments. `custom_config` holds `settings`, the TrainerSettings as JSON,
            and `top_k`, the number of labels in an answer of the served model; `hyperparameters`
            is None, or those that the Tuner found best.

    Raises:
        UsageError: The environment variable TF_CONFIG is wrong, training diverged, or a function
            of the profile's own doesn't build a network for this data.
        BadInputError: There are too few papers.
    """
    cluster = read_cluster(os.environ.get("TF_CONFIG"))
    # Before anything is computed, or the machines can't connect.
    strategy = pick_strategy(several_machines=cluster is not None)
    settings = read_section(TrainerSettings, fn_args.custom_config["settings"], "trainer")
    if fn_args.hyperparameters:
        settings = with_hyperparameters(settings, fn_args.hyperparameters["values"])
    with _output_folders(fn_args, cluster) as (model_dir, run_dir):
        network, result, paper_keys = fit(fn_args, settings, strategy, run_dir)
        write_plots(result.history, f"{run_dir}/{names.PLOTS_DIR}", kept_epoch=result.kept_epoch)
        transform = tft.TFTransformOutput(fn_args.transform_graph_path)
        tagger = ServedTagger(
            network,
            TransformGraph(transform.transform_savedmodel_dir),
            transform.vocabulary_by_name(names.LABEL_VOCABULARY),
            result.threshold,
            fn_args.custom_config["top_k"],
            is_ours=settings.build_model is None,
        )
        export_model(tagger, model_dir, model_info(result, settings))
        # The Model artifact's folder holds more than the SavedModel in it.
        write_train_keys(model_dir.rpartition("/")[0], paper_keys)
    wait_for_all(strategy)


def fit(
    fn_args: FnArgs, settings: TrainerSettings, strategy: tf.distribute.Strategy, run_dir: str
) -> tuple[keras.Model, TrainingResult, NDArray[np.int64]]:
    """Trains a network on the transformed examples, for Trainer and in each trial of the Tuner.

    Returns:
        The network that is served, what the training did, and the keys of its papers.
    """
    make_reproducible(settings.seed)
    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    spec = transform.transformed_feature_spec()
    paper_keys, label_counts = scan_split(fn_args.train_files, spec)
    papers, replicas = len(paper_keys), strategy.num_replicas_in_sync
    steps = _count_steps(papers, settings.batch_size, replicas)
    precision = pick_precision(settings.mixed_precision)
    logging.info("%d replicas, %s, %d steps an epoch", replicas, precision, steps)

    def train_batches(context: tf.distribute.InputContext) -> tf.data.Dataset:
        return make_dataset(
            fn_args.train_files,
            spec,
            settings.batch_size,
            shuffle=True,
            seed=settings.seed,
            inputs=model.input,
            worker=context.input_pipeline_id,
            workers=context.num_input_pipelines,
            # A single replica also takes the few papers after the last whole batch.
            batches=steps * replicas // context.num_input_pipelines if replicas > 1 else None,
        )

    with strategy.scope():
        model = build_network(
            spec, settings, label_counts=label_counts, papers=papers, precision=precision
        )
        compile_model(
            model,
            make_optimizer(settings, steps, precision),
            positive_weights(label_counts, settings.rare_label_weight),
        )
    served = None
    if replicas > 1 or precision != "float32" or settings.first_layer_dtype != "float32":
        # Validated, given its threshold and exported in the form that is served.
        served = build_network(spec, settings, served=True)
    validation_batches = make_dataset(
        fn_args.eval_files,
        spec,
        settings.batch_size,
        shuffle=False,
        seed=settings.seed,
        inputs=model.input,
        include_unknown=True,
    )
    result = train(
        model,
        strategy.distribute_datasets_from_function(train_batches),
        validation_batches,
        settings,
        run_dir,
        steps_per_epoch=steps,
        served=served,
        labels=[
            decode_text(label) for label in transform.vocabulary_by_name(names.LABEL_VOCABULARY)
        ],
    )
    return served or model, result, paper_keys


@contextmanager
def _output_folders(fn_args: FnArgs, cluster: Cluster | None) -> Iterator[tuple[str, str]]:
    """Returns the folders for the SavedModel and the logs: TFX's own on the chief, else temporary.

    The others have to save too, as in TensorFlow's guide to training with several workers.
    """
    if cluster is None or cluster.is_chief:
        yield fn_args.serving_model_dir, fn_args.model_run_dir
    else:
        with tempfile.TemporaryDirectory(prefix="trainer-") as folder:
            yield f"{folder}/model/saved", f"{folder}/run"


def _count_steps(papers: int, batch_size: int, replicas: int) -> int:
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
