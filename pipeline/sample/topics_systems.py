"""Topics of the sample: networks, data, security, signals and machines."""

from __future__ import annotations

from typing import Final

from pipeline.sample.topic import Topic, make_topic

SYSTEM_TOPICS: Final[tuple[Topic, ...]] = (
    make_topic(
        "security",
        subjects="""malware detection; intrusion detection; membership inference;
            private data release; authentication of users; spam filtering;
            robustness to adversarial inputs; secure computation; vulnerability discovery""",
        aims="""detect malicious programs; hide who took part in the training data;
            stop attackers who know the model; authenticate users by their typing;
            share data without revealing individuals""",
        methods="""differential privacy mechanism; adversarial perturbation; fuzzing campaign;
            homomorphic encryption scheme; backdoor trigger; honeypot; anomaly score;
            cryptographic protocol; certified defence""",
        materials="""network traces; malware binaries; phishing messages; access logs;
            smart contracts; encrypted packets""",
        measures="""attack success rate; false alarm rate; privacy budget; detection delay;
            robust accuracy""",
        obstacles="""adaptive attackers; poisoned samples; encrypted traffic;
            limited privacy budgets; zero-day threats""",
    ),
    make_topic(
        "retrieval",
        subjects="""passage retrieval; product recommendation; query reformulation;
            collaborative filtering; cross-modal search; click prediction;
            near-duplicate detection; conversational search; ranking of documents""",
        aims="""rank documents for short queries; recommend items to new users;
            learn from clicks without position bias; search images by a sentence;
            expand a query with related terms""",
        methods="""inverted index; dense retriever; matrix factorization; learning-to-rank loss;
            hashing scheme; user embedding; relevance model; session encoder""",
        materials="""query logs; product catalogues; movie ratings; digital libraries;
            playlists; web pages""",
        measures="""recall at ten; mean reciprocal rank; discounted cumulative gain;
            click-through rate; catalogue coverage""",
        obstacles="""cold-start items; position bias; popularity bias; vocabulary mismatch;
            sparse ratings""",
    ),
    make_topic(
        "social",
        subjects="""community detection; information diffusion; influence maximization;
            link prediction; rumour spreading; polarization in online debates;
            user behaviour on social media; analysis of temporal networks; node centrality""",
        aims="""find communities in large networks; trace how rumours spread;
            choose seeds that maximise a cascade; predict missing links;
            measure how divided a debate is""",
        methods="""stochastic block model; random walk; cascade model; node embedding;
            label propagation step; modularity score; hypergraph model; bot detector""",
        materials="""follower networks; citation networks; retweet cascades; forum threads;
            mobile phone records; collaboration graphs""",
        measures="""normalized mutual information; cascade size; modularity;
            link prediction accuracy; assortativity""",
        obstacles="""missing edges; automated accounts; overlapping communities;
            sampling bias; evolving ties""",
    ),
    make_topic(
        "distributed",
        subjects="""federated training; job scheduling in clusters; data-parallel training;
            fault tolerance; serverless computing; consensus among servers;
            stream processing; edge computing; load balancing""",
        aims="""train across devices that hold their own data; hide the cost of communication;
            recover from failed workers; schedule jobs on shared accelerators;
            keep replicas consistent""",
        methods="""parameter server; gossip protocol; gradient compression scheme;
            task scheduler; replicated log; ring all-reduce; asynchronous worker;
            cache hierarchy; checkpointing scheme""",
        materials="""commodity clusters; mobile devices; cluster traces; cloud workloads;
            multi-core servers; edge gateways""",
        measures="""throughput; tail latency; communication volume; parallel efficiency;
            time to accuracy""",
        obstacles="""stragglers; network partitions; heterogeneous devices; stale gradients;
            limited bandwidth""",
    ),
    make_topic(
        "interaction",
        subjects="""gesture input; trust in automated advice; accessible interface design;
            crowdsourced annotation; visual analytics; eye tracking; virtual reality training;
            text entry; user engagement""",
        aims="""help people judge automated advice; make interfaces accessible to blind users;
            reduce the burden on annotators; read attention from gaze;
            let analysts explore large tables""",
        methods="""think-aloud study; interactive dashboard; questionnaire; wearable prototype;
            gaze model; participatory workshop; haptic display; mixed-methods design""",
        materials="""office workers; crowd workers; older adults; interview transcripts;
            usage logs; classroom sessions""",
        measures="""task completion time; perceived workload; usability score; user trust;
            inter-rater agreement""",
        obstacles="""fatigue; novelty effects; unclear instructions; small screens;
            individual differences""",
    ),
    make_topic(
        "algorithms",
        subjects="""graph sparsification; nearest neighbour search; online scheduling;
            string matching; approximate counting; facility location; streaming computation;
            subgraph enumeration; clustering of points""",
        aims="""answer distance queries in sublinear time; count distinct items in one pass;
            approximate a minimum cut; cluster points with outliers;
            maintain a spanning tree under updates""",
        methods="""approximation algorithm; sketching data structure; randomized rounding step;
            dynamic program; locality-sensitive hash; greedy procedure;
            divide-and-conquer scheme; hierarchical tree decomposition""",
        materials="""planar graphs; data streams; road networks; metric spaces; random instances;
            sparse graphs""",
        measures="""approximation ratio; query time; space usage; competitive ratio;
            number of comparisons""",
        obstacles="""adversarial arrivals; worst-case inputs; limited memory;
            high-dimensional distances; frequent updates""",
    ),
    make_topic(
        "information",
        subjects="""channel coding; source compression; polar code construction; index coding;
            secret key agreement; rate-distortion analysis; group testing;
            decoding of short blocks; multiple access communication""",
        aims="""approach capacity at short block length; compress correlated sources;
            decode with few iterations; bound the rate of a secret key;
            find defectives with few tests""",
        methods="""belief propagation decoder; parity-check code; random coding argument;
            entropy bound; successive cancellation decoder; converse proof; lattice code;
            mutual information estimate""",
        materials="""erasure channels; fading channels; Gaussian sources; short packets;
            relay networks""",
        measures="""block error rate; achievable rate; redundancy; decoding complexity;
            distortion""",
        obstacles="""finite block length; unknown channel states; correlated noise;
            interference; feedback delay""",
    ),
    make_topic(
        "signals",
        subjects="""compressed sensing; radar target detection; channel estimation;
            direction-of-arrival estimation; sleep staging; graph signal denoising;
            modulation recognition; heart rate monitoring; sparse recovery""",
        aims="""recover sparse signals from few measurements; estimate a channel with few pilots;
            detect weak radar targets; remove artefacts from biosignals;
            track frequencies that drift""",
        methods="""Kalman filter; matched filter; wavelet transform; sparse dictionary;
            antenna array; adaptive filter; matrix completion step; phase retrieval scheme;
            unrolled iterative solver""",
        materials="""electrocardiograms; radar returns; wireless channels; wearable sensors;
            sensor arrays; electroencephalograms""",
        measures="""mean squared error; signal-to-noise ratio; bit error rate;
            detection probability; reconstruction error""",
        obstacles="""low signal-to-noise ratios; multipath fading; clock jitter;
            missing samples; quantization""",
    ),
    make_topic(
        "imaging",
        subjects="""image reconstruction; tumour segmentation; image denoising;
            super-resolution; image registration; low-dose tomography; video compression;
            retinal vessel extraction; histology slide analysis""",
        aims="""reconstruct images from few projections; outline tumours in scans;
            register scans of the same patient; raise the resolution of old scans;
            compress video at low rates""",
        methods="""encoder-decoder network; total variation prior; deep image prior;
            diffusion prior; atlas-based method; learned codec; residual dense block;
            deformable registration field; generative adversarial network""",
        materials="""magnetic resonance scans; chest radiographs; retinal photographs;
            histology slides; ultrasound sequences; computed tomography volumes""",
        measures="""Dice overlap; peak signal-to-noise ratio; structural similarity;
            Hausdorff distance; reading time""",
        obstacles="""scanner differences; motion artefacts; low contrast; scarce annotations;
            low radiation dose""",
    ),
    make_topic(
        "control",
        subjects="""robust control; system identification; voltage regulation; fault diagnosis;
            frequency control of power grids; event-triggered control; platooning of vehicles;
            state estimation; safe control of uncertain plants""",
        aims="""keep a plant stable under delays; identify a system from closed-loop records;
            regulate voltage in a microgrid; certify safety with barrier conditions;
            schedule the charging of vehicles""",
        methods="""Lyapunov function; state observer; linear matrix inequality;
            barrier certificate; feedback law; receding-horizon controller; droop controller;
            sliding mode controller; data-driven predictor""",
        materials="""power grids; battery packs; vehicle platoons; building climate systems;
            closed-loop experiments""",
        measures="""settling time; tracking error; control effort; stability margin;
            energy consumption""",
        obstacles="""time delays; parametric uncertainty; actuator saturation;
            packet losses; load fluctuations""",
    ),
)
