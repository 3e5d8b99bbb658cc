"""Topics of the sample: learning, vision, language, sound and agents."""

from __future__ import annotations

from typing import Final

from pipeline.sample.topic import Topic, make_topic

LEARNING_TOPICS: Final[tuple[Topic, ...]] = (
    make_topic(
        "learning",
        subjects="""representation learning; transfer between tasks; continual learning;
            learning from few examples; semi-supervised classification; model selection;
            self-supervised pretraining; training of deep networks; domain adaptation""",
        aims="""learn features that carry over to new tasks; train deep models with few labels;
            adapt a trained model to a shifted domain; avoid forgetting earlier tasks;
            choose hyperparameters without a grid search""",
        methods="""gradient boosting ensemble; contrastive objective; meta-learner;
            residual network; variational autoencoder; graph neural network; attention layer;
            mixture of experts; curriculum schedule; pretrained backbone""",
        materials="""tabular benchmarks; public classification tasks; unlabelled collections;
            click logs; time series of sensor readings; molecular graphs""",
        measures="""test accuracy; validation loss; calibration error; sample efficiency;
            area under the curve""",
        obstacles="""distribution shift; overfitting; class imbalance; label noise;
            catastrophic forgetting; vanishing gradients""",
    ),
    make_topic(
        "vision",
        subjects="""semantic segmentation; object detection; monocular depth estimation;
            person re-identification; action recognition in video; image classification;
            visual tracking; scene understanding; face verification; optical flow estimation""",
        aims="""locate small objects in crowded scenes; recover depth from a single photograph;
            match the same person across cameras; label every pixel of a street scene;
            follow a target through long videos""",
        methods="""convolutional encoder; feature pyramid; region proposal stage;
            vision transformer; keypoint detector; deformable convolution; saliency map;
            adversarial image translator; patch embedding; skip connection""",
        materials="""street scenes; aerial photographs; surveillance videos; egocentric clips;
            images of indoor rooms; point clouds; natural images""",
        measures="""intersection over union; mean average precision; top-1 accuracy;
            pixel error; end-point error""",
        obstacles="""occlusion; changes of viewpoint; poor illumination; motion blur;
            background clutter; scale variation""",
    ),
    make_topic(
        "language",
        subjects="""machine translation; question answering; named entity recognition;
            abstractive summarization; dependency parsing; dialogue generation;
            sentiment analysis; word sense disambiguation; relation extraction""",
        aims="""translate between languages with little parallel text; answer questions about a
            passage; keep a summary faithful to its source; tag entities in noisy text;
            generate fluent replies in a dialogue""",
        methods="""sequence-to-sequence model; masked language model; subword tokenizer;
            pointer network; recurrent decoder; contextual word embedding; copy mechanism;
            conditional random field; prompt template""",
        materials="""news articles; parallel corpora; customer reviews; transcribed dialogues;
            clinical notes; low-resource languages""",
        measures="""translation quality; perplexity; exact match; token-level accuracy;
            agreement with human judges""",
        obstacles="""rare words; ambiguous pronouns; long documents; spelling variation;
            scarce parallel text""",
    ),
    make_topic(
        "reasoning",
        subjects="""automated planning; knowledge representation; commonsense reasoning;
            constraint satisfaction; heuristic search; explanation of automated decisions;
            reasoning under uncertainty; knowledge graph completion; policy learning""",
        aims="""find plans under incomplete knowledge; explain a decision to its user;
            combine logical rules with learned models; complete a partial knowledge base;
            act well in an unknown environment""",
        methods="""description logic; answer set program; belief network; tree search;
            rule learner; symbolic planner; actor-critic agent; value function; ontology;
            reward model""",
        materials="""planning domains; logic puzzles; knowledge graphs; board games;
            simulated environments; expert rules""",
        measures="""plan length; episodic return; solution quality; number of expanded nodes;
            coverage of solved instances""",
        obstacles="""sparse rewards; incomplete knowledge; conflicting rules;
            combinatorial explosion; partial observability""",
    ),
    make_topic(
        "evolution",
        subjects="""evolutionary search; neuroevolution; neural architecture search;
            training of spiking networks; genetic programming; multi-objective search;
            hardware-aware network design; swarm optimization; symbolic regression""",
        aims="""evolve network topologies; train spiking neurons with local rules;
            keep a population diverse; search architectures within a small budget;
            run a network on neuromorphic hardware""",
        methods="""genetic algorithm; evolution strategy; spiking neuron model;
            crossover operator; differential evolution variant; reservoir network;
            mutation scheme; particle swarm; Hebbian update""",
        materials="""black-box test functions; neuromorphic chips; control benchmarks;
            evolved controllers; cell-based search spaces""",
        measures="""best fitness; number of evaluations; population diversity; hypervolume;
            spike count""",
        obstacles="""premature convergence; deceptive landscapes; expensive evaluations;
            non-differentiable spikes; large search spaces""",
    ),
    make_topic(
        "audio",
        subjects="""speech recognition; source separation; music transcription;
            speaker verification; speech enhancement; sound event detection;
            voice conversion; text-to-speech synthesis; musical beat tracking""",
        aims="""separate voices that overlap; transcribe polyphonic music; recognise a speaker
            from a short utterance; remove noise from recorded speech;
            synthesise a natural voice""",
        methods="""mel-spectrogram encoder; acoustic model; neural vocoder; beamformer;
            time-frequency mask; connectionist temporal loss; speaker embedding;
            waveform generator""",
        materials="""read speech; piano recordings; far-field microphones; noisy utterances;
            field recordings of birds; telephone conversations""",
        measures="""word error rate; signal-to-distortion ratio; equal error rate;
            mean opinion score; onset accuracy""",
        obstacles="""reverberation; background noise; overlapping speakers; accented speech;
            microphone mismatch""",
    ),
    make_topic(
        "robotics",
        subjects="""motion planning; robotic grasping; visual odometry; legged locomotion;
            simultaneous localization and mapping; autonomous driving;
            manipulation of deformable objects; aerial navigation; trajectory tracking""",
        aims="""grasp unseen objects; drive through dense traffic; plan collision-free motions;
            land a drone on a moving platform; transfer a policy from simulation to a robot""",
        methods="""sampling-based planner; pose graph; impedance controller; inertial filter;
            model predictive controller; tactile sensor; imitation policy;
            inverse kinematics solver; occupancy map""",
        materials="""quadruped robots; robot arms; warehouse floors; driving logs;
            lidar scans; indoor flights""",
        measures="""success rate; collision rate; trajectory error; planning time;
            grasp stability""",
        obstacles="""sensor drift; contact dynamics; moving pedestrians; actuator delays;
            unmodelled friction""",
    ),
    make_topic(
        "games",
        subjects="""auction design; equilibrium computation; fair division;
            cooperation among agents; mechanism design; repeated play; matching markets;
            pricing with strategic buyers; voting""",
        aims="""design truthful auctions; divide goods without envy; compute an equilibrium of
            a large game; learn prices from strategic buyers; reach a stable matching""",
        methods="""no-regret learner; mechanism; best-response dynamic; potential function;
            posted-price scheme; voting rule; stable matching procedure; coalition value""",
        materials="""congestion games; combinatorial auctions; two-player games; ride markets;
            simulated bidders""",
        measures="""social welfare; revenue; regret; price of anarchy; exploitability""",
        obstacles="""private valuations; strategic agents; multiple equilibria;
            unknown demand; collusion""",
    ),
)
