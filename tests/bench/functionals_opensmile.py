#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the encoder `functionals` with openSMILE's eGeMAPSv02 on the same recordings.

Prints, for each descriptor that both have, the correlations (Pearson, Spearman) of its mean over
recordings, and how often real time each of the two runs on one core. Both read the same files, and they
take turns, a share of the recordings at a time, so that a busy machine slows both. With --praat the
descriptors of voice are compared with Praat's, too.

Run by hand: pip install opensmile soundfile scipy (praat-parselmouth), then
    functionals_opensmile.py --fairvox build/fairvox --plugins build/plugins FOLDER_WITH_RECORDINGS
"""
import argparse
import csv
import os
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import opensmile
import scipy.stats
import soundfile

PAIRS = [
    ("loudness_all", "loudness_sma3_amean"),
    ("loudness_p50", "loudness_sma3_percentile50.0"),
    ("flux_all", "spectralFlux_sma3_amean"),
    *[(f"mfcc{i}_all", f"mfcc{i}_sma3_amean") for i in range(1, 5)],
    *[(f"mfcc{i}_voiced_mean", f"mfcc{i}V_sma3nz_amean") for i in range(1, 5)],
    ("alpha_db_voiced_mean", "alphaRatioV_sma3nz_amean"),
    ("alpha_db_unvoiced_mean", "alphaRatioUV_sma3nz_amean"),
    ("hammarberg_db_voiced_mean", "hammarbergIndexV_sma3nz_amean"),
    ("hammarberg_db_unvoiced_mean", "hammarbergIndexUV_sma3nz_amean"),
    ("slope_0_500_voiced_mean", "slopeV0-500_sma3nz_amean"),
    ("slope_0_500_unvoiced_mean", "slopeUV0-500_sma3nz_amean"),
    ("slope_500_1500_voiced_mean", "slopeV500-1500_sma3nz_amean"),
    ("slope_500_1500_unvoiced_mean", "slopeUV500-1500_sma3nz_amean"),
    ("f0_st_mean", "F0semitoneFrom27.5Hz_sma3nz_amean"),
    ("f0_st_p50", "F0semitoneFrom27.5Hz_sma3nz_percentile50.0"),
    ("jitter_mean", "jitterLocal_sma3nz_amean"),
    ("shimmer_db_mean", "shimmerLocaldB_sma3nz_amean"),
    ("hnr_db_mean", "HNRdBACF_sma3nz_amean"),
    ("h1_h2_db_mean", "logRelF0-H1-H2_sma3nz_amean"),
    ("h1_a3_db_mean", "logRelF0-H1-A3_sma3nz_amean"),
    *[(f"f{i}_hz_mean", f"F{i}frequency_sma3nz_amean") for i in (1, 2, 3)],
    *[(f"f{i}_width_hz_mean", f"F{i}bandwidth_sma3nz_amean") for i in (1, 2, 3)],
    *[(f"f{i}_level_db_mean", f"F{i}amplitudeLogRelF0_sma3nz_amean") for i in (1, 2, 3)],
    ("voiced_per_s", "VoicedSegmentsPerSec"),
    ("voiced_s_mean", "MeanVoicedSegmentLengthSec"),
    ("unvoiced_s_mean", "MeanUnvoicedSegmentLength"),
    ("loudness_peaks_per_s", "loudnessPeaksPerSec"),
    ("sound_level_db", "equivalentSoundLevel_dBp"),
]
PRAAT = ["f0_st_mean", "jitter_mean", "shimmer_db_mean", "hnr_db_mean", "h1_h2_db_mean"]
PRAAT += [f"f{i}_hz_mean" for i in (1, 2, 3)] + [f"f{i}_width_hz_mean" for i in (1, 2, 3)]
SHARES = 6


def run_fairvox(options, files):
    """Seconds, and a row (column -> value) a file, by stem."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "features.csv"
        command = [options.fairvox, "encode", "--encoder", "functionals", "--out", str(out)]
        if options.plugins:
            command += ["--plugins", options.plugins]
        start = time.perf_counter()
        subprocess.run([*command, *map(str, files)], check=True)
        seconds = time.perf_counter() - start
        with open(out, newline="") as rows:
            table = {row.pop("FileName"): row for row in csv.DictReader(rows)}
    return seconds, [{k: float(v) for k, v in table[f.stem].items()} for f in files]


def run_opensmile(smile, files):
    start = time.perf_counter()
    rows = []
    for file in files:
        wave, rate = soundfile.read(file, dtype="float32")
        rows.append(smile.process_signal(wave, rate).iloc[0].to_dict())
    return time.perf_counter() - start, rows


def run_praat(file):
    """Means over Praat's own voiced frames and periods, with its default settings."""
    import parselmouth
    from parselmouth.praat import call

    sound = parselmouth.Sound(str(file))
    pitch = sound.to_pitch_ac(time_step=0.01, pitch_floor=75, pitch_ceiling=600)
    points = call([sound, pitch], "To PointProcess (cc)")
    harmonicity = sound.to_harmonicity_cc(time_step=0.01, minimum_pitch=75)
    formants = sound.to_formant_burg(time_step=0.01)
    voiced = [t for t in pitch.xs() if pitch.get_value_at_time(t) > 0]
    levels = []
    for t in voiced:
        f0 = pitch.get_value_at_time(t)
        part = sound.extract_part(t - 0.02, t + 0.02, parselmouth.WindowShape.HANNING)
        spectrum = np.abs(np.fft.rfft(part.values[0], 8192))
        bins = f0 * 8192 / sound.sampling_frequency
        h1, h2 = (spectrum[int((k - 0.25) * bins): int((k + 0.25) * bins) + 1].max() for k in (1, 2))
        levels.append(20 * np.log10(h1 / h2))
    row = [np.mean([12 * np.log2(pitch.get_value_at_time(t) / 27.5) for t in voiced]),
           call(points, "Get jitter (local)", 0, 0, 0.0001, 0.02, 1.3),
           call([sound, points], "Get shimmer (local_dB)", 0, 0, 0.0001, 0.02, 1.3, 1.6),
           call(harmonicity, "Get mean", 0, 0),
           np.mean(levels)]
    row += [np.nanmean([formants.get_value_at_time(i, t) for t in voiced]) for i in (1, 2, 3)]
    row += [np.nanmean([formants.get_bandwidth_at_time(i, t) for t in voiced]) for i in (1, 2, 3)]
    return row


def compare(mine, other, x, y):
    print(f"{mine:30} {other:44} {scipy.stats.pearsonr(x, y)[0]:7.3f} "
          f"{scipy.stats.spearmanr(x, y)[0]:8.3f} {np.median(x):10.4g} {np.median(y):10.4g}")


def value(row, name):
    """Ours has means over voiced and over unvoiced frames; openSMILE's plain mean is over all."""
    if not name.endswith("_all"):
        return row[name]
    share = row["voiced_share"]
    name = name[: -len("_all")]
    return share * row[name + "_voiced_mean"] + (1 - share) * row[name + "_unvoiced_mean"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--fairvox", default="build/fairvox")
    parser.add_argument("--plugins")
    parser.add_argument("--every", type=int, default=1, help="take every Nth recording")
    parser.add_argument("--praat", action="store_true", help="compare with Praat as well")
    options = parser.parse_args()

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    files = sorted(p for p in options.folder.iterdir() if p.suffix in (".flac", ".wav"))[:: options.every]
    duration = sum(soundfile.info(file).duration for file in files)
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    run_opensmile(smile, files[:1])
    ours, theirs, seconds = [], [], np.zeros(2)
    for share in np.array_split(np.array(files, dtype=object), SHARES):
        spent, rows = run_fairvox(options, share)
        seconds[0] += spent
        ours += rows
        spent, rows = run_opensmile(smile, share)
        seconds[1] += spent
        theirs += rows

    print(f"{len(files)} recordings, {duration:.0f} s\n")
    print(f"{'functionals':30} {'eGeMAPSv02':44} pearson spearman     median     theirs")
    for mine, other in PAIRS:
        x = np.array([value(row, mine) for row in ours])
        y = np.array([row[other] for row in theirs])
        compare(mine, other, x, y)
    if options.praat:
        y = np.array([run_praat(file) for file in files])
        for i, mine in enumerate(PRAAT):
            compare(mine, "Praat", np.array([row[mine] for row in ours]), y[:, i])
    speed = duration / seconds
    print(f"\none core, reading included: functionals {speed[0]:.1f} x real time, openSMILE "
          f"{speed[1]:.1f} x, ratio {speed[0] / speed[1]:.2f}")


if __name__ == "__main__":
    main()
