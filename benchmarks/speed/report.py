"""The table of one case for the terminal: speeds, spreads, compile times, ratios to jaxsim and agreement."""

from benchmarks.speed import laws

OURS = "jaxsim_direct"
RATES = ("events_per_second", "events_per_cpu_second")


def print_case(case: dict) -> None:
    size = f"{case['species']} species, {case['reactions']} reactions"
    print(f"\n{case['case']} ({size}, {case['events_per_trajectory']:.3g} events per trajectory)")
    print(
        f"  {'simulator':14s} {'events/s':>9s} {'least':>9s} {'most':>9s} {'per cpu s':>9s} {'traj./s':>9s}"
        f" {'compile':>8s} {'ratio':>6s} {'by cpu':>6s} {'z mean':>7s} {'z var':>7s}  note"
    )
    ours = next((p for p in case["peers"] if p["peer"] == OURS and p["status"] == "ok"), None)
    for peer in case["peers"]:
        print("  " + (row(peer, ours) if peer["status"] == "ok" else f"{peer['peer']:14s} {absence(peer)}"))


def row(peer: dict, ours: dict | None) -> str:
    speed, cpu = peer["events_per_second"], peer["events_per_cpu_second"]["median"]
    ratios = [f"{ratio(ours, peer, key):6.2f}" if ours else " " * 6 for key in RATES]
    scores = [f"{peer[key]:+7.1f}" if key in peer else " " * 7 for key in ("z_mean", "z_variance")]
    wrong = " DISAGREES" if disagrees(peer) else ""
    return (
        f"{peer['peer']:14s} {speed['median']:9.2e} {speed['least']:9.2e} {speed['most']:9.2e} {cpu:9.2e}"
        f" {peer['trajectories_per_second']['median']:9.2e} {peer['compile_seconds']:7.1f}s {' '.join(ratios)}"
        f" {scores[0]} {scores[1]}  {peer['note']}{wrong}"
    )


def ratio(ours: dict, peer: dict, rate: str) -> float:
    """How many times jaxsim's speed is the peer's, by medians."""
    return ours[rate]["median"] / peer[rate]["median"]


def disagrees(peer: dict) -> bool:
    return any(abs(peer.get(key, 0.0)) > laws.DISAGREE for key in ("z_mean", "z_variance"))


def absence(peer: dict) -> str:
    return f"{peer['status']}: {peer['reason']}"
