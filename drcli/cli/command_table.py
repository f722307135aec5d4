"""The commands of `dr`, by name: one command, one module of this folder, imported only when it runs."""

from __future__ import annotations

# command → one line for `dr --help`; the module is the name with underscores, its function is `command`.
COMMANDS = {
    "init": "Create a workspace: env files and custom files.",
    "import-drfc": "Create a workspace from a DeepRacer-for-Cloud folder.",
    "new-experiment": "Create an experiment: a copy of run.env and custom files to change.",
    "config": "Show every setting, its value and where it comes from.",
    "doctor": "Check the machine and the workspace, and show how to fix problems.",
    "summary": "Show the workspace at a glance.",
    "render": "Print the params document of a training, an evaluation or an upload.",
    "tracks": "List the tracks, or draw one.",
    "reward": "Check a reward function, rank laps by it, draw it.",
    "store": "Start or stop the embedded S3 server, or show its status.",
    "s3": "List, copy and delete files in the bucket: ls, cp, sync, rm, mb.",
    "upload-custom-files": "Upload changed files from custom_files/.",
    "download-custom-files": "Download changed files to custom_files/.",
    "start-training": "Train a model.",
    "increment-training": "Prepare run.env for the next training, from this model.",
    "stop-training": "Stop the training run.",
    "status": "Show how the run is doing.",
    "watch": "Watch a training live.",
    "scale": "Change the number of workers of a running training.",
    "logs": "Show the log of a service.",
    "start-viewer": "Show runs and models in the browser.",
    "stop-viewer": "Stop the viewer.",
    "evaluate": "Evaluate a model: laps, times, resets.",
    "sweep": "Train and compare many variants from one file.",
    "tune": "Search for the best values of hyperparameters and settings with Optuna.",
    "race": "Let models race each other: a tournament.",
    "stop-evaluation": "Stop the evaluation.",
    "evaluations": "List the evaluations in the bucket, with lap times.",
    "report": "Write a page about models: curves, tables, pictures of the track.",
    "plot": "Draw one picture of a report as a PNG or SVG file.",
    "video": "Make videos of an evaluation or an episode.",
    "start-metrics": "Start Grafana, Prometheus and InfluxDB with a dashboard of trainings (Docker).",
    "stop-metrics": "Stop them.",
    "start-loganalysis": "Analyse models in notebooks: JupyterLab with deepracer-utils.",
    "stop-loganalysis": "Stop the notebooks.",
    "url-loganalysis": "Show the address of the notebooks.",
    "logs-loganalysis": "Show the log of JupyterLab.",
    "stop-all": "Stop everything of this workspace.",
    "models": "List the models in the bucket.",
    "upload-model": "Upload one checkpoint of a model.",
    "increment-upload-model": "Prepare run.env for the next upload.",
    "upload-car-zip": "Pack a model for a car, and upload it or write it to a file.",
    "car": "Put models on a physical car, list and delete them.",
    "download-model": "Download a model from another bucket.",
    "import-model": "Bring in a model from elsewhere: a console, a car, another bucket.",
    "copy-model": "Copy a model to another prefix.",
    "delete-model": "Delete a model.",
    "droa": "Log in to a DeepRacer on AWS; check, import, list and download models.",
    "cloud": "Rent a spot machine of AWS for a run; cost, logs, models, end.",
    "images": "Build, list and push our Docker images.",
    "swarm": "Set up a Docker Swarm, show and label its nodes.",
    "update-check": "Show the installed version; check for a newer one only at an address you name.",
    "shell-init": "Print shell completion and DeepRacer-for-Cloud's commands for a shell.",
}

# The same for `dr droa`; the module is droa_NAME.
DROA_COMMANDS = {
    "check": "Check whether it would import a model; needs no login.",
    "login": "Log in, or log out with --forget.",
    "list": "List your models.",
    "show": "Show what is known about a model.",
    "import": "Import a model of this workspace, or a folder.",
    "get": "Download a model, or its archive for a car.",
    "logs": "Download the logs of a training or an evaluation.",
    "delete": "Delete a model.",
}

# The same for `dr sweep`; the module is sweep_NAME.
SWEEP_COMMANDS = {
    "run": "Train the variants of a file and rank them; `dr sweep FILE` is the same.",
    "example": "Write a file to start from.",
    "status": "Show how far it is.",
    "stop": "Stop it and its runs; nothing is lost.",
    "results": "Show the table.",
}

# The same for `dr cloud`; the module is cloud_NAME.
CLOUD_COMMANDS = {
    "up": "Rent a spot machine and start the run on it.",
    "status": "Show what is running, for how long, at what cost, and what is stored.",
    "logs": "Show the log of a job.",
    "pull": "Bring models and logs here.",
    "down": "End machines; with --all remove every trace.",
    "render": "Write the same run for SkyPilot or AWS Batch.",
}

# The same for `dr reward`; the module is reward_NAME.
REWARD_COMMANDS = {
    "check": "Call it on real states: values, cost, errors, habits.",
    "rank": "Drive good and bad laps: does it pay fast ones more?",
    "plot": "Draw what it pays all over the track.",
}

HIDDEN = ("as-drfc",)  # called by what `dr shell-init` prints
