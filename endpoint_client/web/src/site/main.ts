import { mount } from 'svelte';

import '../styles/base.css';
import App from './App.svelte';

const target = document.getElementById('app');
if (target) mount(App, { target });
// Leaving gave the connections up: a page taken out of the browser's memory must begin anew.
addEventListener('pageshow', (event) => event.persisted && location.reload());
