#!/usr/bin/env bash
# How BrainLeaks-v3 on simulated N-MNIST falls off when the attacker is mistaken about the camera; run after
# docs/reproduce.sh, from the same folder and with the same DATA. Each judgement is by recordings of the true camera.
#   bash docs/wrong_camera.sh DATA
set -euo pipefail
data=${1:?usage: bash docs/wrong_camera.sh DATA}

attack() { # name of the variant, options of the attacker's encoder
    for doubt in 0 0.25; do
        for seed in 2 3; do
            brainleaks invert --config configs/v3_simulated_nmnist.yaml --data.root "$data" \
                --data.source.root "$data/mnist" --seed_everything "$seed" \
                --checkpoints "checkpoints/simulated_nmnist_snn-$seed" --attack.restarts 1 --attack.population 1 \
                --attack.encoder.uncertainty $doubt --scoring.draws 20 --scoring.null_draws 1 \
                --results "results/wrong_camera/$1, doubt $doubt-$seed" "${@:2}"
        done
    done
}

threshold() { # name, threshold of ON, of OFF
    attack "$1" --attack.encoder.camera.threshold_on "$2" --attack.encoder.camera.threshold_off "$3"
}

attack "the true camera"
threshold "threshold -50 %" 0.097 0.094
threshold "threshold -25 %" 0.1455 0.141
threshold "threshold +25 %" 0.2425 0.235
threshold "threshold +50 %" 0.291 0.282
attack "path -25 %" --attack.encoder.saccades.amplitude 4.065
attack "path +25 %" --attack.encoder.saccades.amplitude 6.775
threshold_and_path=(--attack.encoder.camera.threshold_on 0.2425 --attack.encoder.camera.threshold_off 0.235)
attack "threshold and path +25 %" "${threshold_and_path[@]}" --attack.encoder.saccades.amplitude 6.775
threshold_and_path=(--attack.encoder.camera.threshold_on 0.1455 --attack.encoder.camera.threshold_off 0.141)
attack "threshold and path -25 %" "${threshold_and_path[@]}" --attack.encoder.saccades.amplitude 4.065
attack "ten times the noise" --attack.encoder.camera.noise_rate 3
attack "frames -25 %" --attack.encoder.frames.frame_time 2250
attack "frames +25 %" --attack.encoder.frames.frame_time 3750
python docs/results_table.py results/wrong_camera
