/** Where the run on show stands, and what was asked of the worker and has not happened yet. */
export type Status = 'idle' | 'running' | 'paused' | 'done' | 'error';
export type Pending = 'starting' | 'pausing' | 'stopping';
