// The long form of the kills at random moments, SESSION_CLEANUP_TEST_KILLS of them in all; `npm test` has the short one.
import { engines } from '../support/databases.js';
import { describeKills } from '../support/kills.js';

describeKills(Number(process.env.SESSION_CLEANUP_TEST_KILLS || 200) / engines.length);
