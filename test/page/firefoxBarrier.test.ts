import { testBarrier } from './barrier';

testBarrier('firefox');
