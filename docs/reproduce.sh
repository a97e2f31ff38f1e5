#!/usr/bin/env bash
# Makes the README's table of results: three target seeds of every published experiment.
#   bash docs/reproduce.sh DATA      DATA holds mnist/ (IDX files) and att_faces.zip; what is absent is downloaded there
set -euo pipefail
data=${1:?usage: bash docs/reproduce.sh DATA}

experiment() { # config, folder of its checkpoints, folder of its data
    for seed in 3 4 5; do
        options=(--config "configs/$1.yaml" --data.root "$3" --seed_everything "$seed" --checkpoints "checkpoints/$2-$seed")
        brainleaks fit "${options[@]}" --skip_fitted true
        brainleaks invert "${options[@]}" --results "results/$1-$seed"
    done
}

experiment v1_mnist mnist_snn "$data/mnist"
experiment v2_mnist mnist_snn "$data/mnist"
experiment mi_face_mnist mnist_ann "$data/mnist"
experiment mi_face_tuned_mnist mnist_ann "$data/mnist"
experiment v1_att_faces att_faces_snn "$data"
experiment v2_att_faces att_faces_snn "$data"
experiment mi_face_att_faces att_faces_ann "$data"
python docs/results_table.py results
