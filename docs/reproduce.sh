#!/usr/bin/env bash
# Makes the README's table of results: several target seeds of every experiment.
#   bash docs/reproduce.sh DATA      DATA holds mnist/ (IDX files) and att_faces.zip; what is absent is downloaded there
set -euo pipefail
data=${1:?usage: bash docs/reproduce.sh DATA}

experiment() { # config, folder of its checkpoints, seeds, options that say where the data are
    for seed in $3; do
        options=(--config "configs/$1.yaml" "${@:4}" --seed_everything "$seed" --checkpoints "checkpoints/$2-$seed")
        brainleaks fit "${options[@]}" --skip_fitted true
        brainleaks invert "${options[@]}" --results "results/$1-$seed"
    done
}

experiment v1_mnist mnist_snn "3 4 5" --data.root "$data/mnist"
experiment v2_mnist mnist_snn "3 4 5" --data.root "$data/mnist"
experiment v3_mnist mnist_snn "3 4 5" --data.root "$data/mnist"
experiment black_box_mnist mnist_snn "3 4 5" --data.root "$data/mnist"
experiment label_only_mnist mnist_snn "3 4 5" --data.root "$data/mnist"
experiment mi_face_mnist mnist_ann "12 13 14" --data.root "$data/mnist"
experiment mi_face_tuned_mnist mnist_ann "12 13 14" --data.root "$data/mnist"
experiment v1_att_faces att_faces_snn "11 12 13" --data.root "$data"
experiment v2_att_faces att_faces_snn "11 12 13" --data.root "$data"
experiment v3_att_faces att_faces_snn "11 12 13" --data.root "$data"
experiment black_box_att_faces att_faces_snn "11 12 13" --data.root "$data"
experiment mi_face_att_faces att_faces_ann "3 4 5" --data.root "$data"
experiment v3_att_faces_ann att_faces_ann "3 4 5" --data.root "$data"
for config in v1_simulated_nmnist v2_simulated_nmnist v2_tuned_simulated_nmnist v3_simulated_nmnist; do
    experiment $config simulated_nmnist_snn "1 2 3" --data.root "$data" --data.source.root "$data/mnist"
done
for config in v1_simulated_dvsgesture v2_simulated_dvsgesture v3_simulated_dvsgesture; do
    experiment $config simulated_dvs_gesture_snn "0 1 2" --data.root "$data"
done
python docs/results_table.py results
