"""What TFX's Trainer calls by import path; it only wires."""

from __future__ import annotations

import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from components.trainer.export import export_model, model_info
from components.trainer.input_pipeline import (
    label_count,
    make_dataset,
    survey,
    vocabulary_size,
)
from components.trainer.loss import positive_weights
from components.trainer.model import build_model, compile_model, make_optimizer
from components.trainer.plots import write_plots
from components.trainer.settings import TrainerSettings
from components.trainer.signatures import ServedTagger
from components.trainer.strategy import pick_strategy
from components.trainer.train_titles import write_train_titles
from components.trainer.training import make_reproducible, train
from schema import names


def run_fn(fn_args: FnArgs) -> None:
    """Trains a model on the transformed examples and exports it.

    Args:
        fn_args: TFX's arguments. `custom_config` holds `settings`, the TrainerSettings as JSON,
            and `top_k`, the number of labels in an answer of the served model.
    """
    settings = TrainerSettings.model_validate_json(fn_args.custom_config["settings"])
    transform = tft.TFTransformOutput(fn_args.transform_output)
    spec = transform.transformed_feature_spec()
    make_reproducible(settings.seed)
    strategy = pick_strategy()
    replicas = strategy.num_replicas_in_sync
    paper_keys, label_counts = survey(fn_args.train_files, spec)
    papers = len(paper_keys)
    steps = max(1, papers // settings.batch_size)
    train_batches = make_dataset(
        fn_args.train_files,
        spec,
        settings.batch_size,
        shuffle=True,
        seed=settings.seed,
        drop_remainder=replicas > 1,
    )
    validation_batches = make_dataset(
        fn_args.eval_files,
        spec,
        settings.batch_size,
        shuffle=False,
        seed=settings.seed,
        include_unknown=True,
    )
    with strategy.scope():
        model = build_model(
            vocabulary_size(spec), label_count(spec), settings, label_counts, papers
        )
        weights = positive_weights(
            label_counts, settings.rare_label_weight, settings.rare_label_papers
        )
        compile_model(model, make_optimizer(settings, steps), weights)
    result = train(
        model,
        train_batches,
        validation_batches,
        settings,
        fn_args.model_run_dir,
        steps_per_epoch=steps,
    )
    write_plots(
        result.history,
        f"{fn_args.model_run_dir}/{names.PLOTS_DIR}",
        best_epoch=result.best_epoch,
    )
    label_lines = transform.vocabulary_by_name(names.LABEL_VOCABULARY)
    labels = [line.decode("utf-8", "backslashreplace") for line in label_lines]
    tagger = ServedTagger(
        model,
        transform.transform_features_layer(),
        label_lines,
        result.thresholds,
        fn_args.custom_config["top_k"],
    )
    export_model(tagger, fn_args.serving_model_dir, model_info(result, settings, labels))
    # The Model artifact's folder holds more than the SavedModel in it.
    write_train_titles(fn_args.serving_model_dir.rpartition("/")[0], paper_keys)
