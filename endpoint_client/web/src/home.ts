import './styles/base.css';
import './styles/home.css';
