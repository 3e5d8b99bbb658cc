"""Topics of the sample: statistics, mathematics, physics and biology."""

from __future__ import annotations

from typing import Final

from pipeline.sample.topic import Topic, make_topic

SCIENCE_TOPICS: Final[tuple[Topic, ...]] = (
    make_topic(
        "statistical learning",
        subjects="""kernel regression; Bayesian inference; density estimation;
            bandit learning; Gaussian process regression; approximate posterior inference;
            model averaging; uncertainty quantification; feature selection""",
        aims="""quantify the uncertainty of a prediction; sample from an intractable posterior;
            select few relevant variables; bound the generalization gap;
            choose actions from noisy rewards""",
        methods="""Gaussian process; variational approximation; kernel machine; normalizing flow;
            stochastic gradient sampler; random forest; concentration bound; spectral estimator;
            Dirichlet process mixture""",
        materials="""synthetic mixtures; regression benchmarks; high-dimensional samples;
            contextual bandit logs; count matrices""",
        measures="""predictive log-likelihood; excess risk; cumulative regret;
            posterior coverage; test error""",
        obstacles="""model misspecification; heavy tails; intractable likelihoods;
            multimodal posteriors; high dimension""",
    ),
    make_topic(
        "methodology",
        subjects="""causal effect estimation; survival analysis; functional data analysis;
            multiple testing; spatial modelling; design of experiments; mediation analysis;
            longitudinal data modelling; imputation of missing values""",
        aims="""estimate a treatment effect from observational records; control false discoveries;
            adjust for unmeasured confounders; model curves that vary by subject;
            plan a trial that adapts""",
        methods="""propensity score; instrumental variable; mixed-effects model;
            permutation test; spline basis; hierarchical prior; doubly robust estimator;
            copula; conformal interval""",
        materials="""observational cohorts; randomized trials; repeated measurements;
            census tables; censored lifetimes""",
        measures="""coverage probability; bias; statistical power; false discovery rate;
            interval width""",
        obstacles="""unmeasured confounding; missing values; informative censoring;
            dependence within clusters; measurement error""",
    ),
    make_topic(
        "theory",
        subjects="""minimax estimation; asymptotic normality; covariance estimation;
            nonparametric testing; change-point detection; shape-constrained regression;
            estimation of functionals; concentration of random matrices; rank aggregation""",
        aims="""derive minimax lower bounds; prove consistency under weak moments;
            estimate a covariance with outliers; detect a change at the optimal rate;
            test independence without smoothness""",
        methods="""maximum likelihood estimator; empirical process argument; U-statistic;
            penalized estimator; median-of-means estimator; wavelet threshold rule;
            goodness-of-fit test; coupling argument""",
        materials="""sub-Gaussian samples; dependent sequences; smoothness classes;
            exchangeable arrays; log-concave densities""",
        measures="""minimax risk; convergence rate; asymptotic variance; oracle risk;
            level of a test""",
        obstacles="""unknown smoothness; outliers; weak dependence; growing dimension;
            non-identifiable parameters""",
    ),
    make_topic(
        "applied statistics",
        subjects="""epidemic forecasting; crop yield prediction; election forecasting;
            air pollution mapping; sports analytics; demand forecasting;
            earthquake risk modelling; estimation of excess mortality; credit scoring""",
        aims="""forecast case counts by region; map pollution between monitors;
            score loans fairly; predict yields from weather;
            estimate deaths in excess of a baseline""",
        methods="""Poisson regression; autoregressive model; small-area estimator; kriging model;
            ensemble forecast; state-space model; seasonal baseline""",
        materials="""hospital admissions; weather stations; electricity meters; match results;
            loan records; household surveys""",
        measures="""forecast error; interval score; ranked probability score;
            calibration of forecasts""",
        obstacles="""reporting delays; seasonal patterns; sparse monitors; changing definitions;
            small counts""",
    ),
    make_topic(
        "optimization",
        subjects="""stochastic optimization; convex programming; bilevel optimization;
            integer programming; distributionally robust optimization; solution of saddle-point
            problems; derivative-free optimization; sparse optimization;
            optimal transport computation""",
        aims="""reach a stationary point with few gradient calls; solve large linear programs;
            escape saddle points; handle constraints without projections;
            hedge against the worst distribution""",
        methods="""proximal gradient step; interior-point solver; augmented Lagrangian scheme;
            accelerated descent scheme; cutting plane; coordinate descent sweep;
            trust-region step; dual decomposition; variance reduction scheme""",
        materials="""quadratic programs; finite sums; network flow instances; portfolio problems;
            constrained test problems""",
        measures="""iteration complexity; duality gap; objective value; oracle calls;
            feasibility violation""",
        obstacles="""nonconvexity; ill-conditioning; noisy gradients; nonsmooth terms;
            coupling constraints""",
    ),
    make_topic(
        "numerics",
        subjects="""solution of sparse linear systems; finite element discretization;
            low-rank approximation; time integration of stiff equations; model order reduction;
            eigenvalue computation; mesh adaptation; randomized linear algebra; tensor
            decomposition""",
        aims="""precondition large sparse systems; bound the discretization error;
            compress a matrix that is nearly low rank; integrate stiff equations stably;
            refine a mesh where it matters""",
        methods="""Krylov subspace solver; multigrid preconditioner; Galerkin scheme;
            spectral element; reduced basis; Runge-Kutta integrator; tensor train format;
            error estimator; collocation scheme""",
        materials="""elliptic equations; unstructured meshes; stiff systems; kernel matrices;
            parametric equations""",
        measures="""residual norm; condition number; order of convergence; discretization error;
            flop count""",
        obstacles="""ill-conditioned systems; sharp layers; curved boundaries; round-off errors;
            high-contrast coefficients""",
    ),
    make_topic(
        "simulation",
        subjects="""molecular dynamics; turbulence modelling; prediction of material properties;
            plasma simulation; lattice simulation; surrogate modelling of fluids;
            density functional calculation; particle tracking; climate emulation""",
        aims="""learn interatomic forces; speed up a fluid solver; predict the energy of a crystal;
            emulate an expensive simulation; conserve energy over long runs""",
        methods="""interatomic potential; lattice Boltzmann scheme; Monte Carlo sampler;
            physics-informed network; coarse-grained model; equivariant network;
            particle-in-cell code; subgrid closure; neural operator""",
        materials="""crystal structures; turbulent channels; small molecules; porous media;
            reacting flows; water clusters""",
        measures="""force error; energy drift; formation energy; wall-clock time;
            diffusion coefficient""",
        obstacles="""rare events; disparate time scales; expensive reference calculations;
            long-range forces; chaotic trajectories""",
    ),
    make_topic(
        "optics",
        subjects="""holographic microscopy; fibre laser design; optical neural computing;
            metasurface design; imaging through scattering media; photonic crystal design;
            wavefront sensing; light-sheet microscopy; optical coherence tomography""",
        aims="""focus light through a scattering layer; design thin lenses by gradient;
            reconstruct phase from intensity; stabilise a pulsed laser;
            compute with light""",
        methods="""spatial light modulator; metasurface; phase mask; diffractive element;
            photonic integrated circuit; adaptive mirror; Fourier ptychography scheme;
            resonator; interferometer""",
        materials="""multimode fibres; thin films; living cells; speckle patterns;
            silicon waveguides; femtosecond pulses""",
        measures="""diffraction efficiency; phase error; spectral bandwidth; optical power;
            resolution limit""",
        obstacles="""scattering; chromatic aberration; thermal drift; fabrication tolerances;
            photon noise""",
    ),
    make_topic(
        "biology",
        subjects="""protein structure prediction; gene expression analysis; drug response modelling;
            cell counting; genome assembly; antibiotic resistance prediction;
            phylogenetic inference; single-cell analysis; metabolic modelling""",
        aims="""predict how a tumour responds to a drug; group cells by expression;
            infer regulatory networks; assemble genomes from long reads;
            count colonies on a plate""",
        methods="""sequence alignment; protein language model; phylogenetic tree;
            gene regulatory model; dose-response curve; cell lineage model;
            flux balance analysis; compartmental model""",
        materials="""gene expression profiles; bacterial genomes; protein sequences; cell cultures;
            patient cohorts; microscopy of colonies""",
        measures="""contact accuracy; cluster purity; binding affinity; survival concordance;
            read coverage""",
        obstacles="""batch effects; dropout of transcripts; small cohorts; sequencing errors;
            biological variability""",
    ),
    make_topic(
        "neuroscience",
        subjects="""neural population coding; brain connectivity analysis; synaptic plasticity;
            decoding of motor intent; visual cortex modelling; working memory modelling;
            seizure prediction; spike sorting; hippocampal replay""",
        aims="""decode movements from cortical spikes; relate structure and function of the brain;
            explain memory by recurrent circuits; predict seizures from recordings;
            infer connectivity from activity""",
        methods="""integrate-and-fire neuron; latent dynamical model; attractor network;
            encoding model; synaptic learning rule; point process model; cortical microcircuit;
            connectome map""",
        materials="""cortical recordings; functional brain scans; calcium movies; spike trains;
            behavioural sessions; healthy volunteers""",
        measures="""decoding accuracy; firing rate; explained variance; response latency;
            phase synchrony""",
        obstacles="""trial-to-trial variability; electrode drift; correlated firing;
            unobserved neurons; short recordings""",
    ),
)
