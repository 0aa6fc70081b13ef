/** Takes a run through its stages, over lost devices and resumed checkpoints, to its report. */
import { StoppedError } from '../control/hooks';
import type { TestSlices } from '../evaluate/slices';
import { assembleReport, spreadsOf } from './assemble';
import { assertAffordable } from './budget';
import { checkChanges, configAt, type RunChange } from './changes';
import type { RunConfig } from './config';
import type { Controls } from './controls';
import type { RunDevice } from './device';
import type { Divergence, DivergenceChoice } from './divergence';
import { onceEach, replayedEvents, spreadEvents } from './events';
import { STAGES } from './pipeline';
import type { Report, RunEvent } from './report';
import { NOTHING_DONE, type RunCheckpoint } from './runState';
import { RunSession } from './session';
import type { RunServices } from './stage';
import { APP_VERSION } from './version';

export interface RunContext extends RunServices {
  config: RunConfig;
  /** What a link tells of: changes at given steps. Of a run that is taken up, the checkpoint tells. */
  changes?: readonly RunChange[];
  controls: Controls;
  emit(event: RunEvent): void;
  /** Called at the start, and again after a device was lost. */
  openDevice(kernels: RunConfig['kernels']): Promise<RunDevice>;
  /**
   * Keeps a checkpoint; resolves with whether it will outlast this session. Never rejects.
   * @param report of a run that is finished with it
   */
  save(checkpoint: RunCheckpoint, report: Report | null): Promise<boolean>;
  /** Keeps where the run stands just before a change takes effect; left out, nothing is. Never rejects. */
  keepPoint?(checkpoint: RunCheckpoint): Promise<void>;
  /** Where to go on from; null starts a new run. */
  resume: RunCheckpoint | null;
  /** Asked when training runs away; left out, it goes on, unless its numbers are not finite. */
  decide?(found: Divergence): Promise<DivergenceChoice>;
}

export interface RunOutcome {
  /** Null when the run was stopped before its end. */
  report: Report | null;
  /** The newest; of a finished run, the trained model. */
  checkpoint: RunCheckpoint;
  /** Of the test users; null where the data tells none, or the run was stopped. */
  slices: TestSlices | null;
}

/** Devices may be lost this often at one and the same checkpoint before the run gives up. */
const MAX_DEVICE_LOSSES = 3;

/**
 * Trains to the end, or until stopped. When the device is lost, opens another and continues from the newest checkpoint. Where training
 * runs away and that is what is decided, goes on from an earlier checkpoint with half the learning rate.
 * @throws ConfigError for a run that is too large for the device, and what a stage throws; checkpoints stay as they are
 */
export async function runPipeline(context: RunContext): Promise<RunOutcome> {
  const { changes = [] } = context;
  checkChanges(context.config, changes);
  let checkpoint = context.resume;
  const emit = onceEach(context.emit);
  let isFirst = true;
  let losses = 0;
  let lostAt = '';
  for (;;) {
    const device = await context.openDevice(checkpoint?.state.config.kernels ?? context.config.kernels);
    checkpoint ??= {
      state: {
        ...NOTHING_DONE,
        app: APP_VERSION,
        config: { ...context.config, kernels: device.kernels },
        changes: [...changes],
      },
      model: null,
    };
    try {
      const { config, changes: told } = checkpoint.state;
      for (const asked of [config, ...told.map((change) => configAt(config, told, change))])
        assertAffordable(asked, device.info, { kernels: device.kernels });
    } catch (error) {
      device.close();
      throw error;
    }
    emit({ type: 'device', device: device.info });
    device.watchCompiling?.((compiling) => emit({ type: 'compiling', ...compiling }));
    if (isFirst) for (const event of replayedEvents(checkpoint.state)) emit(event);
    isFirst = false;
    const session = new RunSession({
      checkpoint,
      controls: context.controls,
      device,
      services: context,
      emit,
      save: (made) => context.save(made, null),
      keepPoint: context.keepPoint,
      decide: context.decide,
    });
    try {
      for (const stage of STAGES) {
        await session.pass(stage);
        if (stage.judged === undefined) continue;
        for (const event of spreadEvents(spreadsOf(session.state))) emit(event);
      }
      const report = await assembleReport(session.state, device.info, session.memory());
      await context.save(session.last, report);
      return { report, checkpoint: session.last, slices: session.testSlices() };
    } catch (error) {
      checkpoint = session.back ?? session.newest();
      if (session.back !== null) {
        emit({ type: 'again' });
        isFirst = true;
        const { stage, step } = checkpoint.state;
        const stored = await context.save(checkpoint, null);
        emit({ type: 'checkpoint', stage, step, stored });
        continue;
      }
      if (error instanceof StoppedError) return { report: null, checkpoint, slices: null };
      const { stage, step } = checkpoint.state;
      const at = `${stage}, step ${step}`;
      losses = at === lostAt ? losses + 1 : 1;
      lostAt = at;
      if (!(await device.isLost()) || losses > MAX_DEVICE_LOSSES) {
        // What was changed since it was kept last holds for whoever takes it up.
        if (checkpoint !== session.last) await context.save(checkpoint, null);
        throw error;
      }
      const often =
        losses === 1 ? '' : ` again (${losses} of at most ${MAX_DEVICE_LOSSES} times at this point)`;
      emit({
        type: 'notice',
        level: 'warning',
        message: `The GPU was lost${often}. The run continues on a new device from its last checkpoint: ${at}.`,
      });
    } finally {
      await session.close();
      device.close();
    }
  }
}
