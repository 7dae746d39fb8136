"""What all continuous methods share: the shape of results, refusals, one compilation, identity, gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsim as js
from jaxsim.ensemble.methods import METHODS
from jaxsim.runtime.programs import trace_count

CONTINUOUS = [name for name, method in METHODS.items() if method.continuous]
TIMES = [0.5, 1.0, 4.0]
DRUG = js.OneCompartment(elimination_rate=0.5, volume=2.0, absorption_rate=3.0)


def network(**parameters):
    return js.Network(
        {"X": 50, "Y": 0},
        ["-> X @ k*g/(1 + g)", "X -> Y, d", "2 Y -> , c"],
        {"k": 30.0, "d": 0.5, "c": 0.01, **parameters},
        observables={"all": "X + Y"},
        inputs={"g": DRUG},
    )


def plan(amount=4.0, time=0.7):
    return js.Schedule(g=js.Dose([amount, amount], at=[time, time + 2.0]), Y=js.Dose(5, at=time))


def simulate(method, net=None, **options):
    given = {"times": TIMES, "trajectories": 100, "schedule": plan(), "progress": False, **options}
    return js.simulate(net or network(), method=method, **given)


@pytest.mark.parametrize("method", CONTINUOUS)
def test_result_has_the_shape_of_an_exact_one(method):
    exact, found = js.simulate(network(), times=TIMES, trajectories=50, progress=False), simulate(method)
    for name in ("mean", "variance", "standard_error", "reached", "status", "observable_mean", "observable_variance"):
        assert found[name].dims == exact[name].dims, name
        assert found[name].shape == exact[name].shape, name
        assert found[name].dtype == exact[name].dtype, name
    common = {"seed", "method", "precision", "device", "wall_seconds", "compile_seconds", "jaxsim", "jax", "fine"}
    assert common <= set(found.attrs)
    assert found.attrs["method"] == method
    assert int(found["status"].sum()) == (100 if method == "langevin" else 1)
    np.testing.assert_allclose(found["observable_mean"][:, 0], found["mean"].sum("species"), rtol=1e-9)


@pytest.mark.parametrize("method", CONTINUOUS)
def test_new_values_reuse_the_program(method):
    simulate(method)
    before = trace_count()
    simulate(method, network(k=7.0), schedule=plan(2.5, 0.2), times=[0.1, 0.2, 9.0], seed=3)
    simulate(method, parameters={"d": np.array([0.1, 0.2])})
    simulate(method, **({"step": 0.01, "first": 7, "chunk": 30} if method == "langevin" else {"rtol": 1e-5}))
    assert trace_count() == before


@pytest.mark.parametrize("method", CONTINUOUS)
def test_design_points_are_stacked(method):
    batch = simulate(method, parameters={"d": np.array([0.1, 0.9])}, seed=5)
    assert batch["mean"].dims == ("point", "time", "species")
    alone = simulate(method, parameters={"d": 0.1}, seed=5)
    np.testing.assert_array_equal(batch["mean"].isel(point=0), alone["mean"])


SPLIT = js.Reaction({}, {}, "0.1", {"X": "binomial(X, 0.5)"}, name="split")
HALF = js.Reaction({}, {}, "0.1", {"X": "floor(X/2)"}, name="half")
ALARM = js.Event("X > 90", {"X": "0"}, name="alarm")

REFUSED = {
    "misspelt method": (lambda: simulate("mean_feild"), "mean_feild.*mean_field"),
    "keep without trajectories": (lambda: simulate("mean_field", keep="trajectories"), "mean_field.*keep"),
    "covariance of the mean field": (lambda: simulate("mean_field", covariance=True), "covariance.*linear_noise"),
    "quantiles of real counts": (lambda: simulate("langevin", quantiles=[0.5]), "langevin.*quantiles"),
    "a limit of events": (lambda: simulate("langevin", max_events=9), "langevin.*max_events"),
    "a step of the exact method": (lambda: simulate("direct", step=0.1), "direct.*step.*langevin"),
    "tolerance of the exact method": (lambda: simulate("direct", rtol=0.1), "direct.*rtol.*mean_field"),
    "a step that is not positive": (lambda: simulate("langevin", step=-1.0), "step is -1"),
    "a step far too short": (lambda: simulate("langevin", step=1e-12), "step is 1e-12"),
    "a tolerance of nothing": (lambda: simulate("mean_field", rtol=0.0), "rtol is 0"),
    "a distribution": (lambda: simulate("mean_field", network(d=js.Lognormal(0.5, 0.2))), "'d' is a distribution"),
    "an event": (lambda: simulate("linear_noise", js.Network({"X": 9}, ["X -> , 1"], events=[ALARM]),
                                  schedule=None), "linear_noise.*alarm"),
    "an effect under noise": (lambda: simulate("langevin", js.Network({"X": 9}, [SPLIT]), schedule=None), "split"),
    "a nonlinear effect": (lambda: simulate("mean_field", js.Network({"X": 9}, [HALF]), schedule=None), "half.*'X'"),
    "stiffness in Langevin": (
        lambda: simulate("langevin", js.Network({"X": 9}, ["X -> , 1e9"]), schedule=None), "1.*steps.*mean_field"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_one_sentence(case):
    attempt, pattern = REFUSED[case]
    with pytest.raises(js.JaxsimError, match=f"(?s){pattern}") as caught:
        attempt()
    assert "\n" not in str(caught.value)


def trajectories(number, **options):
    return simulate("langevin", trajectories=number, keep="trajectories", seed=4, step=0.05, **options)["trajectories"]


def test_a_langevin_trajectory_depends_on_its_number_alone():
    many = trajectories(600).values
    np.testing.assert_array_equal(trajectories(60).values, many[:60])  # fewer lanes
    np.testing.assert_array_equal(trajectories(600, chunk=77).values, many)
    np.testing.assert_array_equal(trajectories(10, first=590).values, many[590:])
    assert not np.array_equal(trajectories(10, first=0).values[:, -1], many[590:, -1])


def test_langevin_statistics_are_those_of_the_trajectories():
    out = simulate("langevin", trajectories=1300, keep="trajectories", covariance=True, step=0.05)
    states = out["trajectories"].values
    np.testing.assert_allclose(out["mean"], states.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(out["variance"], states.var(axis=0, ddof=1), rtol=1e-10, atol=1e-12)
    cross = [np.cov(states[:, k].T) for k in range(len(TIMES))]
    np.testing.assert_allclose(out["covariance"], cross, rtol=1e-9, atol=1e-12)
    kept = simulate("langevin", trajectories=1300, step=0.05)
    np.testing.assert_allclose(out["mean"], kept["mean"], rtol=1e-12)


def objective(rate, initial, amount, dosed_at, times):
    net = network().with_parameters(k=rate).with_initial(X=initial)
    schedule = js.Schedule(g=js.Dose([amount, 3.0], at=dosed_at), Y=js.Dose(amount, at=dosed_at[1]))
    found = js.mean_field(net, times=times, schedule=schedule)
    return jnp.sum(found * jnp.arange(1.0, 7.0, dtype=found.dtype).reshape(3, 2))


@pytest.mark.slow
def test_gradient_is_that_of_finite_differences():
    """Parameter, initial count, amount, dose times and save times, each by central differences in float64."""
    point = (20.0, 40.0, 4.0, np.array([0.5, 2.0]), np.array([1.0, 2.5, 4.0]))
    single = jax.grad(objective, argnums=(0, 1, 2, 3, 4))(*point)  # with the global setting of float32
    with jax.enable_x64(True):
        value_at = jax.jit(objective)
        double = jax.grad(objective, argnums=(0, 1, 2, 3, 4))(*(jnp.asarray(value) for value in point))
        flat = np.concatenate([np.ravel(part) for part in double])
        place = 0
        for number, value in enumerate(point):
            for index in np.ndindex(np.shape(value)):
                ends = []
                for shift in (1e-4, -1e-4):
                    moved = [np.array(part) for part in point]
                    moved[number][index] += shift
                    ends.append(float(value_at(*(jnp.asarray(part) for part in moved))))
                assert (ends[0] - ends[1]) / 2e-4 == pytest.approx(flat[place], rel=2e-4)
                place += 1
    np.testing.assert_allclose(np.concatenate([np.ravel(part) for part in single]), flat, rtol=1e-5)
    assert single[3].dtype == np.float32


def test_mean_field_under_jit_says_what_it_needs():
    with pytest.raises(js.SimulationError, match="enable_x64"):
        jax.jit(lambda k: js.mean_field(network().with_parameters(k=k), times=[1.0]))(2.0)


def test_mean_field_is_what_simulate_returns():
    expected = simulate("mean_field")["mean"]
    np.testing.assert_allclose(js.mean_field(network(), times=TIMES, schedule=plan()), expected, rtol=1e-6)
