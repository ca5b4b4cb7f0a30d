import { executionAsyncResource } from "node:async_hooks";

// V8 forgets the shape of objects when a garbage collection finds none of them alive, and code that gives them
// properties with computed names is slow from then on, however often it is compiled. Node makes such an object for
// each process.nextTick, of which every answer takes several: a process whose first collections came between two of
// them answered a tenth slower for as long as it lived. So one is kept alive.
const kept: object[] = [];
process.nextTick(() => kept.push(executionAsyncResource()));
