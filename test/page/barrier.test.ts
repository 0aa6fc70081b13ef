import { testBarrier } from './barrier';

testBarrier('chromium');
