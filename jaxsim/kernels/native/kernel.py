"""The kernel: the event loop of a program as one function of vectors, compiled by LLVM.

W trajectories run in lockstep. One that finishes, or waits for a random effect, is put back where it is kept, and the
next of the queue takes its lane; this, and everything else that is rare, happens in branches beside the straight line.
A kernel holds no lock and no state: any number of threads may run it.
"""

import ctypes
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxsim.kernels.native.builder import Builder
from jaxsim.kernels.native.equations import Equation, NotCovered, Variable
from jaxsim.kernels.native.law import Law
from jaxsim.kernels.native.primitives import Emitter

_COMPILING = threading.Lock()


@dataclass(frozen=True)
class Slot:
    """An array over lanes that the kernel is given."""

    number: int
    """Of the input."""
    dtype: np.dtype
    role: str
    """carry: read and written; constant: read; grid: written row by row."""


@dataclass(eq=False)
class Kernel:
    """A compiled event loop."""

    law: Law
    width: int
    slots: list[Slot]
    tables: list[Variable]
    """Shared arrays that it is given."""
    text: str
    function: Any
    engine: Any
    """Holds the machine code."""

    def run(
        self, arrays: list[int], tables: list[int], size: int, queue: np.ndarray, taken: int, budget: int
    ) -> tuple[int, int]:
        """Run the trajectories of the queue from number `taken` on; return how many left it for good, and iterations.

        `arrays` and `tables` are addresses. After about `budget` iterations the trajectories in the lanes are put back
        and stand in the queue again, before those that have not been taken yet.
        """
        counts = np.array([taken, len(queue), budget, 0], np.int64)
        pointers = (ctypes.c_void_p * max(1, len(arrays)))(*arrays)
        shared = (ctypes.c_void_p * max(1, len(tables)))(*tables)
        self.function(pointers, shared, size, queue.ctypes.data, counts.ctypes.data)
        return int(counts[0]), int(counts[3])


class Written:
    """The kernel of a law as text, compiled when it is first needed."""

    def __init__(self, law: Law, width: int) -> None:
        self.law, self.width = law, width
        self.slots, emitter, self.text = write_kernel(law, width)
        self.tables = emitter.tables
        self._compiled: Kernel | None = None
        self._lock = threading.Lock()

    def compiled(self, features: str | None = None) -> Kernel:
        """Return the machine code; `features` replace those of this processor, and are not kept."""
        with self._lock:
            if features is not None:
                return self._compile(features)
            if self._compiled is None:
                self._compiled = self._compile(None)
            return self._compiled

    def _compile(self, features: str | None) -> Kernel:
        engine, address = compile_text(self.text, features)
        pointer = ctypes.c_void_p
        kind = ctypes.CFUNCTYPE(None, pointer, pointer, ctypes.c_int64, pointer, pointer)
        return Kernel(self.law, self.width, self.slots, self.tables, self.text, kind(address), engine)


def native_width() -> int:
    """Return how many lanes of 32 bits the vectors of this processor hold."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    return 16 if features.get("avx512f") and features.get("avx512vl") and features.get("avx512dq") else 8


def compile_text(text: str, features: str | None = None) -> tuple[Any, int]:
    """Compile a module and return what holds its machine code, and the address of its function."""
    import llvmlite.binding as llvm

    with _COMPILING:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        target = llvm.Target.from_default_triple()
        given = llvm.get_host_cpu_features().flatten() if features is None else features
        cpu = llvm.get_host_cpu_name() if features is None else ""
        machine = target.create_target_machine(cpu=cpu, features=given, opt=3, jit=True)
        module = llvm.parse_assembly(text)
        module.triple, module.data_layout = machine.triple, str(machine.target_data)
        module.verify()
        passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
        passes.getModulePassManager().run(module, passes)
        engine = llvm.create_mcjit_compiler(module, machine)
        engine.finalize_object()
        return engine, engine.get_function_address("run")


def write_kernel(law: Law, width: int) -> tuple[list[Slot], Emitter, str]:
    """Return the arrays that a kernel takes, what its equations have become, and its text."""
    flat = law.flat
    builder = Builder(width)
    emitter = Emitter(builder, law.lane, flat.varying)
    slots = _slots(law)
    for slot in slots:
        _load(emitter, flat.inputs[slot.number], slot)
    emitter.lookups.update(id(equation.inputs[1]) for equation in flat.lanewise if equation.name == "gather")
    for equation in flat.lanewise:
        emitter.emit(equation)
    for slot in slots:
        if slot.role == "carry":
            value = emitter.get(flat.outputs[slot.number - law.first_lane]).reshape(-1)[0]
            _store(builder, slot, value)
    leaves = emitter.get(flat.outputs[-1]).reshape(-1)[0]
    stopped = builder.new(f"bitcast <{width} x i1> {leaves} to i{width}")
    return slots, emitter, _function(emitter, slots, stopped)


def _slots(law: Law) -> list[Slot]:
    """Return the arrays over lanes that the equations read or change."""
    flat = law.flat
    read = {id(v) for equation in flat.lanewise for v in equation.reads()} | {id(v) for v in flat.outputs}
    slots = []
    for number, variable in enumerate(flat.inputs):
        if id(variable) not in flat.varying:
            continue
        after = flat.outputs[number - law.first_lane] if number >= law.first_lane else variable
        if after is variable and (number >= law.first_lane or id(variable) not in read):
            others = [o for k, o in enumerate(flat.outputs) if k != number - law.first_lane]
            used = any(v is variable for e in flat.lanewise for v in e.reads()) or any(o is variable for o in others)
            if not used:
                continue
        shape = variable.kind.shape
        role = "grid" if len(shape) > 1 else "carry" if after is not variable else "constant"
        if role == "grid" and not _in_place(flat.lanewise, variable):
            raise NotCovered("several numbers of each lane in one array")
        slots.append(Slot(number, variable.kind.dtype, role))
    return slots


def _in_place(equations: list[Equation], variable: Variable) -> bool:
    """Whether an array is only ever written row by row."""
    for equation in equations:
        if not all(_in_place(block.equations, variable) for block in equation.branches):
            return False
        written = equation.name == "scatter" and equation.inputs[0] is variable
        if not written and any(value is variable for value in equation.inputs):
            return False
    return True


def _load(e: Emitter, variable: Variable, slot: Slot) -> None:
    """Begin an iteration with the value of an array."""
    b, n = e.builder, slot.number
    if slot.role == "grid":
        e.grids[id(variable)] = f"%array{n}"
        e.values[id(variable)] = np.full(e.shape(variable), "in place", object)
        return
    kind, memory = b.vector(slot.dtype), b.memory(slot.dtype)
    b.entry.append(f"  %state{n} = alloca <{b.width} x {memory}>, align 64")
    b.entry.append(f"  store <{b.width} x {memory}> zeroinitializer, ptr %state{n}")
    name = b.new(f"load <{b.width} x {memory}>, ptr %state{n}")
    if memory != b.scalar(slot.dtype):
        name = b.new(f"trunc <{b.width} x {memory}> {name} to {kind}")
    else:
        e.unchanged[name] = f"%state{n}"
    e.values[id(variable)] = np.full((1,), name, object)


def _store(b: Builder, slot: Slot, name: str) -> None:
    kind, memory = b.vector(slot.dtype), b.memory(slot.dtype)
    if memory != b.scalar(slot.dtype):
        name = b.new(f"zext {kind} {name} to <{b.width} x {memory}>")
    b.write(f"store <{b.width} x {memory}> {name}, ptr %state{slot.number}")


def _function(e: Emitter, slots: list[Slot], stopped: str) -> str:
    b = e.builder
    w, last = f"i{b.width}", b.block
    b.declarations.add(f"declare {w} @llvm.cttz.{w}({w}, i1)")
    head = [_HEAD, "entry:"]
    for number, slot in enumerate(slots):
        head.append(f"  %arrayp{slot.number} = getelementptr ptr, ptr %arrays, i64 {number}")
        head.append(f"  %array{slot.number} = load ptr, ptr %arrayp{slot.number}")
    for number in range(len(e.tables)):
        head.append(f"  %tablep{number} = getelementptr ptr, ptr %shared, i64 {number}")
        head.append(f"  %table{number} = load ptr, ptr %tablep{number}")
    body: list[str] = []
    for line in b.body:
        body += line if isinstance(line, list) else [line]
    put, take = _moves(b, slots)
    text = SHAPE.replace("$HEAD", "\n".join([*head, *b.entry])).replace("$BODY", "\n".join(body))
    text = text.replace("$PUT", "\n".join(put)).replace("$TAKE", "\n".join(take))
    text = text.replace("$LAST", last).replace("$STOPPED", stopped).replace("$LANES", str(b.width)).replace("$W", w)
    return "\n".join(sorted(b.declarations)) + "\n" + text


def _moves(b: Builder, slots: list[Slot]) -> tuple[list[str], list[str]]:
    """Return how one trajectory is put back, and how one is taken."""
    put, take = [], []
    for slot in slots:
        n, memory = slot.number, b.memory(slot.dtype)
        if slot.role == "carry":
            put += [
                f"  %ps{n} = getelementptr {memory}, ptr %state{n}, i64 %lane",
                f"  %pv{n} = load {memory}, ptr %ps{n}",
                f"  %pa{n} = getelementptr {memory}, ptr %array{n}, i64 %old64",
                f"  store {memory} %pv{n}, ptr %pa{n}",
            ]
        if slot.role != "grid":
            take += [
                f"  %ta{n} = getelementptr {memory}, ptr %array{n}, i64 %next64",
                f"  %tv{n} = load {memory}, ptr %ta{n}",
                f"  %ts{n} = getelementptr {memory}, ptr %state{n}, i64 %lane",
                f"  store {memory} %tv{n}, ptr %ts{n}",
            ]
    return put, take


_HEAD = (
    "define void @run(ptr noalias %arrays, ptr noalias %shared, i64 %size, ptr noalias %queue, ptr noalias %counts) {"
)
SHAPE = """$HEAD
  %slots = alloca <$LANES x i32>, align 64
  store <$LANES x i32> splat (i32 -1), ptr %slots
  %taken0 = load i64, ptr %counts
  %countn = getelementptr i64, ptr %counts, i64 1
  %number = load i64, ptr %countn
  %countb = getelementptr i64, ptr %counts, i64 2
  %budget = load i64, ptr %countb
  %counti = getelementptr i64, ptr %counts, i64 3
  br label %slow
loop:
  %iterations = phi i64 [ %done, %next ], [ %done1, %more ]
  %alive = phi $W [ %alive4, %next ], [ %alive, %more ]
  %taken = phi i64 [ %taken4, %next ], [ %taken, %more ]
  %slot = load <$LANES x i32>, ptr %slots
  %done1 = add i64 %iterations, 1
$BODY
  %stop = and $W $STOPPED, %alive
  %over = icmp sge i64 %done1, %budget
  %some = icmp ne $W %stop, 0
  %either = or i1 %some, %over
  br i1 %either, label %slow, label %more
more:
  br label %loop
slow:
  %done = phi i64 [ 0, %entry ], [ %done1, %$LAST ]
  %mask0 = phi $W [ -1, %entry ], [ %stop, %$LAST ]
  %alive0 = phi $W [ -1, %entry ], [ %alive, %$LAST ]
  %taken1 = phi i64 [ %taken0, %entry ], [ %taken, %$LAST ]
  %ended = phi $W [ 0, %entry ], [ %stop, %$LAST ]
  %closing0 = icmp sge i64 %done, %budget
  %mask1 = select i1 %closing0, $W %alive0, $W %mask0
  br label %each
each:
  %mask = phi $W [ %mask1, %slow ], [ %mask2, %after ]
  %alive1 = phi $W [ %alive0, %slow ], [ %alive3, %after ]
  %taken2 = phi i64 [ %taken1, %slow ], [ %taken3, %after ]
  %lanew = call $W @llvm.cttz.$W($W %mask, i1 true)
  %lane = zext $W %lanew to i64
  %bit = shl $W 1, %lanew
  %slotp = getelementptr i32, ptr %slots, i64 %lane
  %old = load i32, ptr %slotp
  %old64 = sext i32 %old to i64
  %holds = icmp sge i32 %old, 0
  br i1 %holds, label %put, label %take
put:
$PUT
  %endedbit = and $W %ended, %bit
  %isended = icmp ne $W %endedbit, 0
  %stays = xor i1 %isended, true
  %back = and i1 %closing0, %stays
  br i1 %back, label %return, label %take
return:
  %takenback = sub i64 %taken2, 1
  %backp = getelementptr i32, ptr %queue, i64 %takenback
  store i32 %old, ptr %backp
  br label %empty
take:
  %isleft = icmp slt i64 %taken2, %number
  %open = xor i1 %closing0, true
  %takes = and i1 %isleft, %open
  br i1 %takes, label %fill, label %empty
fill:
  %nextp = getelementptr i32, ptr %queue, i64 %taken2
  %next32 = load i32, ptr %nextp
  %next64 = sext i32 %next32 to i64
  store i32 %next32, ptr %slotp
  %takenmore = add i64 %taken2, 1
$TAKE
  br label %after
empty:
  %takenempty = phi i64 [ %takenback, %return ], [ %taken2, %take ]
  store i32 -1, ptr %slotp
  %notbit = xor $W %bit, -1
  %alive2 = and $W %alive1, %notbit
  br label %after
after:
  %alive3 = phi $W [ %alive1, %fill ], [ %alive2, %empty ]
  %taken3 = phi i64 [ %takenmore, %fill ], [ %takenempty, %empty ]
  %lessone = sub $W %mask, 1
  %mask2 = and $W %mask, %lessone
  %mores = icmp ne $W %mask2, 0
  br i1 %mores, label %each, label %next
next:
  %alive4 = phi $W [ %alive3, %after ]
  %taken4 = phi i64 [ %taken3, %after ]
  %any = icmp ne $W %alive4, 0
  br i1 %any, label %loop, label %exit
exit:
  store i64 %taken4, ptr %counts
  store i64 %done, ptr %counti
  ret void
}
"""
"""The function around an iteration: lanes that stop are put back one by one, and filled from the queue."""
