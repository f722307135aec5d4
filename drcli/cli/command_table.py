"""The commands of `dr`, by name: one command, one module of this folder, imported only when it runs."""

from __future__ import annotations

# command → one line for `dr --help`; the module is the name with underscores, its function is `command`.
COMMANDS = {
    "init": "Make a workspace: env files and custom files.",
    "import-drfc": "Make a workspace of a DeepRacer-for-Cloud folder.",
    "new-experiment": "Make an experiment: a copy of run.env and custom files to change.",
    "config": "Show every setting, its value and where it comes from.",
    "doctor": "Check the machine and the workspace; say what is missing.",
    "summary": "Show the workspace at a glance.",
    "render": "Print the params document of a training, an evaluation or an upload.",
    "tracks": "List the tracks, draw one.",
    "store": "Start, stop or look at the embedded S3 server.",
    "s3": "Look at the bucket, copy files and delete them: ls, cp, sync, rm, mb.",
    "upload-custom-files": "Upload what has changed in custom_files/.",
    "download-custom-files": "Download what differs to custom_files/.",
    "start-training": "Train a model.",
    "increment-training": "Prepare run.env for the next training, from this model.",
    "stop-training": "Stop the training run.",
    "status": "Show how the run is doing.",
    "scale": "Change the number of workers while training runs.",
    "logs": "Show the log of a service.",
    "evaluate": "Evaluate a model: laps, times, resets.",
    "stop-evaluation": "Stop the evaluation.",
    "evaluations": "List the evaluations in the bucket, with lap times.",
    "stop-all": "Stop everything of this workspace.",
    "models": "List the models in the bucket.",
    "upload-model": "Upload one checkpoint of a model, to AWS or beside it.",
    "increment-upload-model": "Prepare run.env for the next upload.",
    "upload-car-zip": "Pack a model for a car, and upload it or write it to a file.",
    "download-model": "Download a model from another bucket.",
    "copy-model": "Copy a model to another prefix.",
    "delete-model": "Delete a model, after showing what goes.",
    "images": "Build, list and push the images that Docker runs.",
    "swarm": "Make a swarm of machines, see and label its nodes.",
    "update-check": "Show which version this is; ask for a newer one only if told whom.",
    "shell-init": "Print completion and DeepRacer-for-Cloud's commands, for a shell.",
}

HIDDEN = ("as-drfc",)  # called by what `dr shell-init` prints
