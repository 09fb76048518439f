package intuitor.optim;

/** Courses of the learning rate, under transformers' names. */
public enum SchedulerType { COSINE, LINEAR, CONSTANT, CONSTANT_WITH_WARMUP }
