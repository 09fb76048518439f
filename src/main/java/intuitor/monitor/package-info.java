/**
 * Watches a run for the ways in which a reward without answers goes wrong. {@link intuitor.monitor.Signals} are
 * measured on the completions that a step has anyway, {@link intuitor.monitor.Probe} on a few labelled problems, and
 * {@link intuitor.monitor.Monitor} says when they mean trouble. docs/monitor.md tells what each figure means.
 */
package intuitor.monitor;
