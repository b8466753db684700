"""One of our networks from raw pictures to ONNX, in one command:

    python3 make.py natural-x2 --pictures /usr/share/backgrounds ... --work /tmp/upres-training --out natural-x2.onnx

Networks that start from another are given it with --start (a checkpoint that an earlier run left in its work folder)."""
import argparse
import os
import subprocess
import sys

# What the shipped networks were made with: kind of pictures, scale, network to start from, steps, learning rate, JPEG qualities.
RECIPES = {
    "natural-x2": dict(kind="photos", scale=2, start=None, steps=60000, lr=1e-3),
    "natural-x3": dict(kind="photos", scale=3, start="natural-x2", steps=14000, lr=8e-4),
    "natural-x4": dict(kind="photos", scale=4, start="natural-x2", steps=20000, lr=8e-4),
    "natural-jpeg-x2": dict(kind="photos", scale=2, start="natural-x2", steps=10500, lr=5e-4, jpeg=(45, 95)),
    "art-x2": dict(kind="art", scale=2, start="natural-x2", steps=10000, lr=5e-4),
}
HERE = os.path.dirname(os.path.abspath(__file__))


def run(script, *words):
    subprocess.run([sys.executable, os.path.join(HERE, script), *map(str, words)], check=True, cwd=HERE)


p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("network", choices=RECIPES)
p.add_argument("--pictures", nargs="+", required=True, help="folders of photographs, or of drawings for art")
p.add_argument("--work", required=True, help="folder for patches and checkpoints")
p.add_argument("--out", required=True, help="the ONNX file")
p.add_argument("--start", help="checkpoint of the network that the recipe starts from")
p.add_argument("--fonts", default="/usr/share/fonts", help="for art: folder of .ttf files")
p.add_argument("--steps", type=int, help="other than the recipe's, for a trial")
a = p.parse_args()

recipe = RECIPES[a.network]
if recipe["start"] and not a.start:
    p.error(f"{a.network} starts from {recipe['start']}: give its checkpoint with --start")
os.makedirs(a.work, exist_ok=True)
data = os.path.abspath(os.path.join(a.work, a.network))
checkpoint = f"{data}.pt"
folders = [os.path.abspath(folder) for folder in a.pictures]
art = ["--fonts", a.fonts, "--exclude", "art-test-pictures.txt"] if recipe["kind"] == "art" else []
run("prepare.py", recipe["kind"], *folders, "--scale", recipe["scale"], "--out", data, *art)
start = ["--start", os.path.abspath(a.start)] if a.start else []
jpeg = ["--jpeg", *recipe["jpeg"]] if "jpeg" in recipe else []
steps = a.steps or recipe["steps"]
run("train.py", data, checkpoint, "--scale", recipe["scale"], "--steps", steps, "--lr", recipe["lr"], *start, *jpeg)
run("export.py", checkpoint, os.path.abspath(a.out), "--scale", recipe["scale"])
