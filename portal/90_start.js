// @ts-check
void enter();
setTimeout(tick, refreshEvery);
